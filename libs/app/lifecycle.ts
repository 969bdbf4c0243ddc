import { type Clock, sleep } from '#libs/runtime/clock.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import type { Logger } from '#libs/runtime/logger.ts'

/** Something that is started before what needs it and stopped after it. */
export type Part = {
  readonly name: string
  readonly start: () => Promise<void>
  readonly stop?: () => Promise<void>
}

/** How long a start waits for servers that are still coming up themselves. */
const PATIENCE_MS = 60_000
const PAUSE_MS = 500

export type Sequence = { readonly start: () => Promise<void>; readonly stop: () => Promise<void> }

/**
 * Starts parts in order and stops in reverse those that were started. A start that fails, or that a stop overtakes, undoes itself.
 * A part that cannot stop is logged and does not keep the others from stopping.
 */
export const createSequence = (
  parts: readonly Part[],
  deps: { readonly clock: Clock; readonly logger: Logger },
): Sequence => {
  const { clock, logger } = deps
  const started: Part[] = []
  const stopping = new AbortController()
  let starting: Promise<void> | undefined
  let stopped: Promise<void> | undefined

  const startPart = async (part: Part): Promise<void> => {
    const deadline = clock.now() + PATIENCE_MS
    for (;;) {
      stopping.signal.throwIfAborted()
      try {
        return await part.start()
      } catch (error) {
        if (!(error instanceof UnavailableError) || clock.now() >= deadline) throw error
        logger.warn({ part: part.name, reason: error.message }, 'not there yet, trying again')
        await sleep(clock, PAUSE_MS, stopping.signal)
      }
    }
  }

  const unwind = async (): Promise<void> => {
    for (let part = started.pop(); part; part = started.pop()) {
      try {
        await part.stop?.()
      } catch (error) {
        logger.error({ err: error, part: part.name }, 'part did not stop cleanly')
      }
    }
  }

  const start = async (): Promise<void> => {
    try {
      for (const part of parts) {
        // Before its start: a part that fails half-way is asked to let go of what it took.
        started.push(part)
        await startPart(part)
      }
      stopping.signal.throwIfAborted()
    } catch (error) {
      await unwind()
      throw error
    }
  }

  const stop = async (): Promise<void> => {
    stopping.abort(new Error('stopped while starting'))
    await starting?.catch(() => {})
    await unwind()
  }

  return {
    start: () => {
      starting ??= start()
      return starting
    },
    stop: () => {
      stopped ??= stop()
      return stopped
    },
  }
}
