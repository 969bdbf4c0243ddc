import type { Database } from '#libs/postgres/database.ts'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { sumUpBackfills } from './backfill-store.ts'

const LOOK_EVERY_MS = 30_000

/** Backfills have no end but silence: those that have been quiet are summed up, once whichever processes look, and told in the log. */
export const createBackfillEnder = (deps: {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
}): { readonly tick: () => Promise<number>; readonly start: () => void; readonly stop: () => Promise<void> } => {
  const { database, clock, logger } = deps
  const stopping = new AbortController()
  let running: Promise<void> = Promise.resolve()

  const tick = async (): Promise<number> => {
    const ended = await sumUpBackfills(database, clock.now())
    for (const { tenantId, source, events, accounts, bandMoves, startedAt, lastAt } of ended)
      logger.info({ tenantId, source, events, accounts, bandMoves, tookMs: lastAt - startedAt }, 'backfill ended')
    return ended.length
  }

  return {
    tick,
    start: () => {
      running = (async () => {
        while (!stopping.signal.aborted) {
          const ended = await tick().catch((error) => {
            logger.warn({ err: error }, 'backfills could not be summed up yet')
            return 0
          })
          if (ended === 0) await sleep(clock, LOOK_EVERY_MS, stopping.signal)
        }
      })()
    },
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}
