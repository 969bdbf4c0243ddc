const PLAIN_LENGTH = '2026-11-22T10:00:00.000+00:00'.length
const MORE_DIGITS = /(\.\d{3})\d+/

/** Epoch milliseconds, further digits cut: `Date.parse` itself takes `.0549999999` for 549 ms. */
export const readInstant = (text: string): number =>
  Date.parse(text.length > PLAIN_LENGTH ? text.replace(MORE_DIGITS, '$1') : text)
