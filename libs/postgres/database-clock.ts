import { type Clock, monotonicMs } from '../runtime/clock.ts'
import { MINUTE_MS } from '../runtime/durations.ts'
import type { Logger } from '../runtime/logger.ts'
import { gauge, type Registry } from '../runtime/metrics.ts'
import type { Sql } from './database.ts'

const SAMPLES = 5
/** A larger jump must be measured `JUMP_MEASUREMENTS` times in a row before it is believed. */
const LARGEST_JUMP_MS = 5 * MINUTE_MS
const JUMP_MEASUREMENTS = 10

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

type DatabaseClockDeps = {
  readonly base: Clock
  readonly database: Sql
  readonly logger: Logger
  readonly metrics: Registry
  /** For tests. */
  readonly monotonic?: () => number
}

/**
 * The process's clock, corrected by the database's each minute: replicas agree on what is due. Time
 * that is believed never runs back, and a wrong hour would stamp what people read for ever. So
 * neither clock may jump by more than 5 minutes against the monotonic clock.
 */
export const createDatabaseClock = (deps: DatabaseClockDeps): DatabaseClock => {
  const { base, database, logger, monotonic = monotonicMs } = deps
  let offsetMs = 0
  let anchor: { readonly at: number; readonly monotonicAt: number } | undefined
  let jumps = 0
  let cancel = () => {}
  let stopped = false
  const measuredOffset = gauge(deps.metrics, {
    name: 'pulso_clock_offset_seconds',
    help: "The database's clock minus the process's, as last measured, believed or not",
  })

  const expected = (): number | undefined => anchor && anchor.at + monotonic() - anchor.monotonicAt

  const measure = async (): Promise<void> => {
    const measured = await measureOffset(database, base)
    measuredOffset.set(measured.offsetMs / 1_000)
    const newOffsetMs = Math.abs(measured.offsetMs) <= measured.errorMs ? 0 : Math.round(measured.offsetMs)
    const at = base.now() + newOffsetMs
    const jumpMs = Math.round(at - (expected() ?? at))
    jumps = Math.abs(jumpMs) > LARGEST_JUMP_MS ? jumps + 1 : 0
    if (jumps > 0 && jumps < JUMP_MEASUREMENTS)
      return logger.error({ jumpMs, measurements: jumps }, 'clock of the database jumped, its time is not believed yet')
    jumps = 0
    offsetMs = newOffsetMs
    anchor = { at, monotonicAt: monotonic() }
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
    now: () => {
      const at = base.now() + offsetMs
      const steady = expected() ?? at
      return Math.abs(at - steady) > LARGEST_JUMP_MS ? Math.round(steady) : at
    },
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
