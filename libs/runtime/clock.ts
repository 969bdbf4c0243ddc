/** The only access to time. Other code gets a `Clock`, so that a test can stop and move time. */
export type Clock = {
  /** Milliseconds since the epoch (UTC). */
  readonly now: () => number
  /** Runs `wake` once after `delayMs`; the answer cancels it. Does not keep the process alive. */
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

/** Milliseconds since an arbitrary instant; a correction of the machine's clock never moves it. */
export const monotonicMs = (): number => performance.now()

/** Resolves after `delayMs`, or when `signal` aborts. Never rejects. */
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

/** Keeps the process alive during a start that waits for a server and has no socket yet. */
export const stayAlive = (): void => void setInterval(() => {}, LONGEST_TIMER_MS)

/** Instant as the APIs show it: RFC 3339, UTC, milliseconds. */
export const toInstant = (atMs: number): string => new Date(atMs).toISOString()
