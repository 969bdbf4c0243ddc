import type { Clock } from '../runtime/clock.ts'
import { MINUTE_MS } from '../runtime/durations.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Sql } from './database.ts'

const SAMPLES = 5

type Measurement = { readonly offsetMs: number; readonly errorMs: number }

/** The database's clock minus `clock`; the shortest round trip is the most exact. */
export const measureOffset = async (database: Sql, clock: Clock): Promise<Measurement> => {
  let best: Measurement = { offsetMs: 0, errorMs: Number.POSITIVE_INFINITY }
  for (let sample = 0; sample < SAMPLES; sample++) {
    const sentAt = clock.now()
    const [row] = await database.query<{ now: number }>(
      'select extract(epoch from clock_timestamp())::double precision * 1000 as now',
    )
    const answeredAt = clock.now()
    const errorMs = (answeredAt - sentAt) / 2 + 1
    if (errorMs < best.errorMs) best = { offsetMs: row!.now - (sentAt + answeredAt) / 2, errorMs }
  }
  return best
}

export type DatabaseClock = Clock & { readonly start: () => Promise<void>; readonly stop: () => void }

/** The process's clock, corrected by the database's each minute: replicas agree on what is due. */
export const createDatabaseClock = (deps: {
  readonly base: Clock
  readonly database: Sql
  readonly logger: Logger
}): DatabaseClock => {
  const { base, database, logger } = deps
  let offsetMs = 0
  let cancel = () => {}
  let stopped = false
  const measure = async (): Promise<void> => {
    const measured = await measureOffset(database, base)
    offsetMs = Math.abs(measured.offsetMs) <= measured.errorMs ? 0 : Math.round(measured.offsetMs)
    if (offsetMs !== 0) logger.info({ offsetMs, errorMs: measured.errorMs }, 'clock corrected by the database')
  }
  const again = (): void => {
    if (stopped) return
    cancel = base.after(MINUTE_MS, () => {
      measure()
        .catch((error) => logger.warn({ err: error }, 'database clock not measured, the last offset stays'))
        .finally(again)
    })
  }
  return {
    now: () => base.now() + offsetMs,
    after: base.after,
    start: async () => {
      await measure()
      again()
    },
    stop: () => {
      stopped = true
      cancel()
    },
  }
}
