import { afterAll, beforeAll, expect, test } from 'vitest'
import { HOUR_MS, MINUTE_MS } from '#libs/runtime/durations.ts'
import { armFailpoints } from '#libs/runtime/failpoint.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { createAlertTimers } from '../../services/alerting/evaluation/alert-timers.ts'
import { createAlertingMetrics } from '../../services/alerting/metrics.ts'
import { type AlertingHarness, createAlertingHarness } from '../support/alerting/alerting-harness.ts'
import { createManualClock } from '../support/manual-clock.ts'
import { createAlertingDatabase, type TestDatabase } from '../support/postgres/alerting-database.ts'
import { accountChange } from '../support/scoring/account-changes.ts'
import { addEndpoint } from '../support/webhooks/deliveries.ts'
import { namesOfFailpoints } from './failpoint-names.ts'

const T0 = Date.parse('2026-11-25T05:00:00.000Z')
const FAILPOINTS = namesOfFailpoints(/^alerting\.(monitors|notifications|timers|evaluate\.transitions)/)
let test_: TestDatabase
let alerting: AlertingHarness
beforeAll(async () => {
  test_ = await createAlertingDatabase()
  alerting = createAlertingHarness(test_.database)
})
afterAll(() => test_.drop())

/**
 * A story with each of the operators' tools; what fails is done again, as by the replica that comes
 * next. Answers what it led to, and how often it failed.
 */
const play = async (failpoint?: string, hit = 1) => {
  await alerting.clear()
  await addEndpoint(test_.database, 'https://example.com/hook')
  await alerting.setPolicy({ grouping: { window: '5m' }, escalation: { after: '1h' }, digest: { at: '08:00' } }, T0)
  const clock = createManualClock(T0)
  const timersOf = () =>
    createAlertTimers({
      database: test_.database,
      clock,
      logger: silentLogger,
      metrics: createAlertingMetrics(createMetrics()),
      ruleCatalog: alerting.ruleCatalog,
      epoch: { isKnown: () => true, current: async () => 0 },
      onCommit: () => {},
    })
  let timers = timersOf()
  let failures = 0
  const untilDone = async (work: () => Promise<unknown>): Promise<void> => {
    for (;;)
      try {
        await work()
        return
      } catch {
        failures++
        timers = timersOf()
      }
  }
  armFailpoints(failpoint === undefined ? [] : [{ name: failpoint, effect: 'throw', sleepMs: 0, hit }])
  try {
    const accounts = Array.from({ length: 12 }, (_, i) => `account-${i}`)
    const silent = {
      silentSince: new Date(T0).toISOString(),
      daysSinceLastActivity: 7,
      silenceLimitDays: 7,
      ownerId: 'kim',
    }
    const messages = accounts.map((accountId) => accountChange({ accountId, sequence: 1, at: T0, score: 80 }))
    await untilDone(() => alerting.evaluate(...messages))
    await untilDone(() => alerting.recordActivity('web', T0, 1))
    for (const accountId of ['a', 'b', 'grave'])
      await untilDone(() =>
        alerting.evaluate(
          accountChange({
            accountId,
            sequence: 1,
            at: T0,
            score: accountId === 'grave' ? 10 : 40,
            facts: { ownerId: 'kim' },
          }),
        ),
      )
    const fallen = accounts.map((accountId) =>
      accountChange({ accountId, sequence: 2, at: T0 + 1, score: 80, facts: silent }),
    )
    await untilDone(() => alerting.evaluate(...fallen))
    for (let minute = 1; minute <= 4 * 60; minute += 15) {
      clock.moveTo(T0 + minute * MINUTE_MS)
      await untilDone(() => timers.runDue())
    }
    const back = accounts
      .slice(1)
      .map((accountId) =>
        accountChange({ accountId, sequence: 3, at: T0 + 4 * HOUR_MS, score: 80, facts: { ownerId: 'kim' } }),
      )
    await untilDone(() => alerting.evaluate(...back))
    await untilDone(() => alerting.recordActivity('web', T0 + 4 * HOUR_MS, 1))
    for (const minute of [1, 20, 40]) {
      clock.moveTo(T0 + 4 * HOUR_MS + minute * MINUTE_MS)
      await untilDone(() => timers.runDue())
    }
  } finally {
    armFailpoints([])
  }
  const bodies = (await alerting.bodies()).map((body) => JSON.stringify(body)).sort()
  return { failures, outcome: { alerts: await alerting.alerts(), bodies } }
}

test('whatever fails at any instant and is done again leads to the same alerts and the same webhooks', async () => {
  const { outcome } = await play()
  const types = outcome.bodies.map((body) => JSON.parse(body).type)
  for (const type of [
    'outage.detected',
    'outage.recovered',
    'source.silent',
    'source.recovered',
    'alert.grouped',
    'alert.escalated',
    'alert.digest',
  ])
    expect(types).toContain(type)
  expect(outcome.alerts).toContain('silence account-0 1 firing told')
  expect(FAILPOINTS.length).toBeGreaterThanOrEqual(6)
  for (const name of FAILPOINTS)
    for (const hit of [1, 2, 3]) {
      const killed = await play(name, hit)
      expect([name, killed.failures]).toEqual([name, 1])
      expect([name, hit, killed.outcome]).toEqual([name, hit, outcome])
    }
})
