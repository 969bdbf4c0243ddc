/**
 * Limits of the delay of the event loop in tests. On a quiet machine it is a tenth of them; other
 * tests on the same cores add to it. The faults that they watch for took seconds.
 */
export const LONGEST_MS = 1_000
export const P99_MS = 300
