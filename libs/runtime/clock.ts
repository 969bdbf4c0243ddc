/** The only door to time: everything else is given a Clock, so that a test can hold time still and move it. */
export type Clock = {
  /** Milliseconds since the epoch (UTC). */
  readonly now: () => number
  /** Runs `wake` once, `delayMs` from now; the answer cancels it. Never keeps the process alive by itself. */
  readonly after: (delayMs: number, wake: () => void) => () => void
}

const LONGEST_TIMER_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, wake) => {
    const timer = setTimeout(wake, Math.min(Math.max(0, delayMs), LONGEST_TIMER_MS))
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Resolves after `delayMs`, or as soon as `signal` aborts: never rejects, so a stopping loop just looks at its signal. */
export const sleep = (clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = () => {
      cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(delayMs, done)
    signal?.addEventListener('abort', done, { once: true })
  })

/** Keeps the process alive though nothing else does: a start that waits for a server has no socket yet. */
export const stayAlive = (): void => void setInterval(() => {}, LONGEST_TIMER_MS)

/** Instant as the APIs show it: RFC 3339, UTC, milliseconds. */
export const toInstant = (atMs: number): string => new Date(atMs).toISOString()
