import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '#libs/postgres/database.ts'
import { createDatabase } from '#libs/postgres/pg-database.ts'
import { createTestDatabase } from '../../tests/support/postgres/postgres.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { silentLogger } from '../runtime/logger.ts'
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
  const clock = createDatabaseClock({ base, database, logger: silentLogger })
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
