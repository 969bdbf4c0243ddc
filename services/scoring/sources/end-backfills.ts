import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { type Repeating, repeat } from '#libs/runtime/repeat.ts'
import { sumUpBackfills } from './backfill-store.ts'

const TICK_MS = 30_000

type Deps = { readonly database: Database; readonly clock: Clock; readonly logger: Logger }

/** Sums up and logs each backfill once, after `QUIET_MS` without an event. */
export const createBackfillEnder = ({ database, clock, logger }: Deps): Repeating =>
  repeat({ clock, logger, everyMs: TICK_MS, failure: 'backfills could not be summed up' }, async () => {
    const ended = await sumUpBackfills(database, clock.now())
    for (const { tenantId, source, events, accounts, bandMoves, startedAt, lastAt } of ended)
      logger.info({ tenantId, source, events, accounts, bandMoves, tookMs: lastAt - startedAt }, 'backfill ended')
    return ended.length === 0 ? undefined : 0
  })
