import { expect, it } from 'vitest'
import { namesOfFailpoints } from '../faults/failpoint-names.ts'
import { ALERTING_FAILPOINTS, runYear } from '../faults/year/run-year.ts'
import { createTestDatabase } from '../support/postgres/postgres.ts'

// The short form of `npm run faults -- --year`.
it('sixty scripted days: alerting, killed once at each of its failpoints, tells each crossing once, and each webhook arrives at a hostile receiver', {
  timeout: 180_000,
}, async () => {
  const { connectionString, drop } = await createTestDatabase()
  try {
    const plan = { accounts: 200, days: 60, seed: 1, rounds: 1, latestHit: 1 }
    const { wrong, seen } = await runYear({ databaseUrl: connectionString }, plan)
    expect(wrong).toEqual([])
    expect(seen.kills).toBe(namesOfFailpoints(ALERTING_FAILPOINTS).length)
    expect(seen.kills).toBeGreaterThanOrEqual(20)
    expect(seen.transitions).toBeGreaterThan(1_000)
    expect(Math.min(seen.failed!, seen.hung!, seen.throttled!)).toBeGreaterThan(5)
  } finally {
    await drop()
  }
})
