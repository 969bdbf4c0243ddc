import { type Clock, sleep } from './clock.ts'
import type { Logger } from './logger.ts'

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
}

/**
 * One run at a time. `tick` answers the pause before the next run in milliseconds; undefined:
 * `everyMs`. A failed run is logged and does not end the loop.
 * By hand: `p-retry` 9 and `cockatiel` 4 take no clock that a test could move (2026-11-30).
 */
export const repeat = (
  { clock, logger, everyMs, retryMs = everyMs, failure, fields }: RepeatOptions,
  tick: (stopping: AbortSignal) => Promise<number | undefined>,
): Repeating => {
  const stopping = new AbortController()
  let pause = new AbortController()
  let running: Promise<void> | undefined

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      pause = new AbortController()
      let pauseMs = retryMs
      try {
        pauseMs = (await tick(stopping.signal)) ?? everyMs
      } catch (error) {
        logger.warn({ err: error, ...fields }, failure)
      }
      if (pauseMs > 0) await sleep(clock, pauseMs, AbortSignal.any([stopping.signal, pause.signal]))
    }
  }

  return {
    start: () => {
      running ??= run()
    },
    stop: async () => {
      stopping.abort()
      await running
    },
    wake: () => pause.abort(),
  }
}
