import { type Clock, monotonicMs } from './clock.ts'
import { MINUTE_MS } from './durations.ts'
import type { Logger } from './logger.ts'

/** Longer than any single step takes that a loop or a handler waits for. */
const STUCK_AFTER_MS = 10 * MINUTE_MS

type Watched = { readonly name: string; readonly since: number }
const underWay = new Set<Watched>()

/** Runs work that must end. Known for the whole process, as its liveness is. */
export const watched = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
  const one = { name, since: monotonicMs() }
  underWay.add(one)
  try {
    return await work()
  } finally {
    underWay.delete(one)
  }
}

/** Names of watched work that does not end: only a restart of the process helps. */
export const stuckWork = (afterMs = STUCK_AFTER_MS): readonly string[] =>
  [...underWay].filter(({ since }) => monotonicMs() - since >= afterMs).map(({ name }) => name)

export type Repeating = {
  readonly start: () => void
  /** Resolves when the run under way has ended; no run begins after the call. */
  readonly stop: () => Promise<void>
  /** Ends the pause between two runs; a call during a run skips the pause after it. */
  readonly wake: () => void
}

export type RepeatOptions = {
  readonly clock: Clock
  readonly logger: Logger
  readonly everyMs: number
  /** Pause after a run that failed, in milliseconds; absent: `everyMs`. */
  readonly retryMs?: number
  /** Message of the warning that a failed run leaves in the log. */
  readonly failure: string
  readonly fields?: object
  /** The process is no longer alive when a run does not end. For runs that are short. */
  readonly mustEnd?: boolean
}

/**
 * One run at a time. `tick` answers the pause before the next run in milliseconds; undefined:
 * `everyMs`. A failed run is logged and does not end the loop.
 * By hand: `p-retry` 9 and `cockatiel` 4 take no clock that a test could move (2026-11-30).
 */
export const repeat = (
  { clock, logger, everyMs, retryMs = everyMs, failure, fields, mustEnd = false }: RepeatOptions,
  tick: (stopping: AbortSignal) => Promise<number | undefined>,
): Repeating => {
  const stopping = new AbortController()
  let woken = false
  let endPause = (): void => {}
  let running: Promise<void> | undefined

  const pauseFor = (pauseMs: number): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.after(pauseMs, resolve)
      endPause = () => {
        cancel()
        resolve()
      }
    })

  const wake = (): void => {
    woken = true
    endPause()
  }

  const run = () => tick(stopping.signal)
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      woken = false
      let pauseMs = retryMs
      try {
        pauseMs = (await (mustEnd ? watched(failure, run) : run())) ?? everyMs
      } catch (error) {
        logger.warn({ err: error, ...fields }, failure)
      }
      if (pauseMs > 0 && !woken) await pauseFor(pauseMs)
    }
  }

  return {
    start: () => {
      running ??= loop()
    },
    stop: async () => {
      stopping.abort()
      wake()
      await running
    },
    wake,
  }
}
