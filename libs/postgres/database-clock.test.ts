import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '#libs/postgres/database.ts'
import { createDatabase } from '#libs/postgres/pg-database.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { createManualClock } from '../../tests/support/manual-clock.ts'
import { createTestDatabase } from '../../tests/support/postgres/postgres.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { silentLogger } from '../runtime/logger.ts'
import { createMetrics } from '../runtime/metrics.ts'
import { createDatabaseClock } from './database-clock.ts'

let database: Database
let drop: () => Promise<void>

beforeAll(async () => {
  const created = await createTestDatabase()
  drop = created.drop
  database = createDatabase({ connectionString: created.connectionString, logger: silentLogger })
  await database.start()
})
afterAll(async () => {
  await database.stop()
  await drop()
})

const clockAheadBy = async (aheadMs: number) => {
  const base: Clock = { now: () => systemClock.now() + aheadMs, after: systemClock.after }
  const clock = createDatabaseClock({ base, database, logger: silentLogger, metrics: createMetrics() })
  await clock.start()
  clock.stop()
  return clock
}

test.each([90_000, -90_000])('a machine whose clock is off by %i ms keeps the database’s time', async (aheadMs) => {
  const clock = await clockAheadBy(aheadMs)
  expect(Math.abs(clock.now() - systemClock.now())).toBeLessThan(500)
})

test('a machine that agrees with its database is not corrected by the noise of the measurement', async () => {
  const clock = await clockAheadBy(0)
  const before = systemClock.now()
  const now = clock.now()
  expect(now).toBeGreaterThanOrEqual(before)
  expect(now).toBeLessThanOrEqual(systemClock.now())
})

const MINUTE_MS = 60_000
const YEAR_MS = 365 * 24 * 60 * MINUTE_MS

/** The clock of a database that can be moved, measured when a test lets a minute pass. */
const startMovable = async () => {
  const base = createManualClock(systemClock.now())
  const metrics = createMetrics()
  let aheadMs = base.now() - systemClock.now()
  let measurements = 0
  const moved: Pick<Database, 'query'> = {
    query: async <Row>(text: string, params?: readonly unknown[]) => {
      const [row] = await database.query<{ now: number }>(text, params)
      measurements++
      return [{ now: row!.now + aheadMs }] as Row[]
    },
  }
  const monotonic = () => base.now()
  const clock = createDatabaseClock({ base, database: moved, logger: silentLogger, metrics, monotonic })
  await clock.start()
  return {
    base,
    clock,
    metrics,
    move: (byMs: number) => {
      aheadMs += byMs
    },
    passMinute: async () => {
      const before = measurements
      aheadMs += MINUTE_MS
      base.advance(MINUTE_MS)
      await eventually('it is measured', () => measurements === before + 5)
      await new Promise(setImmediate)
    },
  }
}

test('a database whose clock jumps by a year is believed only after ten measurements', async () => {
  const { base, clock, metrics, move, passMinute } = await startMovable()
  const aheadMs = () => clock.now() - base.now()
  move(YEAR_MS)
  for (let minute = 1; minute < 10; minute++) {
    await passMinute()
    expect(Math.abs(aheadMs())).toBeLessThan(5_000)
  }
  expect(await metrics.metrics()).toMatch(/pulso_clock_offset_seconds 3153\d{4}/)
  await passMinute()
  expect(Math.abs(aheadMs() - YEAR_MS)).toBeLessThan(5_000)
})

test('a jump that ends before ten measurements leaves no trace', async () => {
  const { base, clock, move, passMinute } = await startMovable()
  move(YEAR_MS)
  for (let minute = 0; minute < 9; minute++) await passMinute()
  move(-YEAR_MS)
  await passMinute()
  move(YEAR_MS)
  await passMinute()
  expect(Math.abs(clock.now() - base.now())).toBeLessThan(5_000)
})

test('a process whose own clock jumps keeps the time of before', async () => {
  let aheadMs = 0
  const base: Clock = { now: () => systemClock.now() + aheadMs, after: systemClock.after }
  const clock = createDatabaseClock({ base, database, logger: silentLogger, metrics: createMetrics() })
  await clock.start()
  clock.stop()
  aheadMs = YEAR_MS
  expect(Math.abs(clock.now() - systemClock.now())).toBeLessThan(1_000)
})
