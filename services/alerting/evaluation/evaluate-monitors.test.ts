import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#libs/runtime/durations.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import { type AlertingHarness, createAlertingHarness } from '../../../tests/support/alerting/alerting-harness.ts'
import { createAlertingDatabase, type TestDatabase } from '../../../tests/support/postgres/alerting-database.ts'
import { accountChange } from '../../../tests/support/scoring/account-changes.ts'
import { addEndpoint } from '../../../tests/support/webhooks/deliveries.ts'
import { saveRule } from '../rules/rule-store.ts'
import { applyOperatorAction } from './apply-operator-action.ts'
import { evaluateDueMonitors } from './evaluate-monitors.ts'
import { checkAllMonitors } from './monitor-store.ts'

const T0 = Date.parse('2026-11-01T00:00:00.000Z')
let test_: TestDatabase
let alerting: AlertingHarness
beforeAll(async () => {
  test_ = await createAlertingDatabase()
  alerting = createAlertingHarness(test_.database)
})
afterAll(async () => {
  await test_.drop()
})
beforeEach(() => alerting.clear())

const instant = (ms: number): string => new Date(T0 + ms).toISOString()
const fallSilent = (accountId: string, at: number, lastSeenAt: number) =>
  alerting.evaluate(
    accountChange({
      accountId,
      sequence: 2,
      at,
      score: 80,
      facts: { silentSince: new Date(at).toISOString(), silenceLimitDays: (at - lastSeenAt) / DAY_MS },
    }),
  )

test('a source that is inactive for longer than expected raises one alert, from its exact instant, and recovers when it is heard again', async () => {
  await addEndpoint(test_.database, 'https://example.com/hook')
  await alerting.recordActivity('web', T0, 2)
  await alerting.runTimers(T0 + 2 * HOUR_MS - 1)
  expect(await alerting.alerts()).toEqual([])
  await alerting.runTimers(T0 + 2 * HOUR_MS + 5_000)
  await alerting.runTimers(T0 + 3 * HOUR_MS)
  expect(await alerting.alerts()).toEqual(['source_silent web 1 firing told'])
  await alerting.recordActivity('web', T0 + 4 * HOUR_MS, 2)
  await alerting.recordActivity('web', T0 + 4 * HOUR_MS + 10 * MINUTE_MS, 2)
  await alerting.runTimers(T0 + 4 * HOUR_MS + 15 * MINUTE_MS)
  expect(await alerting.transitions('source_silent')).toEqual([
    `firing crossed told ${instant(2 * HOUR_MS)}`,
    `recovering recovery_seen not_for_telling ${instant(4 * HOUR_MS)}`,
    `resolved recovered told ${instant(4 * HOUR_MS + 15 * MINUTE_MS)}`,
  ])
  const id = derivedId('alert', 'default', 'source_silent', 'source', 'web', 1)
  const data = { tenantId: 'default', source: 'web', alert: { id, ruleId: 'source_silent', severity: 'critical' } }
  expect(await alerting.bodies()).toMatchObject([
    { type: 'source.silent', data: { ...data, heardAt: instant(0), expectedIntervalHours: 2 } },
    { type: 'source.recovered', data: { ...data, heardAt: instant(4 * HOUR_MS + 10 * MINUTE_MS) } },
  ])
  await alerting.runTimers(T0 + 7 * HOUR_MS)
  expect((await alerting.alerts())[1]).toBe('source_silent web 2 firing told')
})

test('a source that no model expects may be inactive as long as the rule says', async () => {
  await alerting.recordActivity('web', T0)
  await alerting.runTimers(T0 + 3 * DAY_MS - 1)
  expect(await alerting.alerts()).toEqual([])
  await alerting.runTimers(T0 + 3 * DAY_MS)
  expect(await alerting.transitions('source_silent')).toEqual([`firing crossed told ${instant(3 * DAY_MS)}`])
})

test('a silence that passed while nothing ran is recorded with its own instant', async () => {
  await alerting.recordActivity('web', T0, 1)
  await alerting.recordActivity('web', T0 + 5 * HOUR_MS, 1)
  await alerting.runTimers(T0 + 5 * HOUR_MS + 20 * MINUTE_MS)
  expect(await alerting.transitions('source_silent')).toEqual([
    `firing crossed told ${instant(HOUR_MS)}`,
    `recovering recovery_seen not_for_telling ${instant(5 * HOUR_MS)}`,
    `resolved recovered told ${instant(5 * HOUR_MS + 15 * MINUTE_MS)}`,
  ])
})

test('news that come late, twice or in the wrong order end no silence that still lasts', async () => {
  await alerting.recordActivity('web', T0, 1)
  await alerting.runTimers(T0 + 5 * HOUR_MS)
  await alerting.recordActivity('web', T0 + HOUR_MS, 1)
  await alerting.recordActivity('web', T0 - HOUR_MS, 1)
  await alerting.recordActivity('web', T0 + HOUR_MS, 1)
  await alerting.runTimers(T0 + 6 * HOUR_MS)
  expect(await alerting.alerts()).toEqual(['source_silent web 1 firing told'])
  await alerting.recordActivity('web', T0 + 6 * HOUR_MS, 1)
  await alerting.runTimers(T0 + 6 * HOUR_MS + 15 * MINUTE_MS)
  expect(await alerting.alerts()).toEqual(['source_silent web 1 resolved told'])
})

test('two replicas that race make one alert of each source', async () => {
  const sources = Array.from({ length: 20 }, (_, i) => `source-${i}`)
  for (const source of sources) await alerting.recordActivity(source, T0, 1)
  const run = () =>
    test_.database
      .transaction((tx) => evaluateDueMonitors(tx, { ruleCatalog: alerting.ruleCatalog, epoch: 0 }, T0 + HOUR_MS, 7))
      .then((evaluated) => evaluated.monitors)
  const evaluated = await Promise.all(Array.from({ length: 12 }, run))
  expect(evaluated.reduce((sum, count) => sum + count, 0)).toBe(20)
  expect(await alerting.alerts()).toHaveLength(20)
})

test('while a source is silent, alerts of accounts last seen before its silence wait; they are notified if the account is still silent when the source is back', async () => {
  await alerting.recordActivity('web', T0, 24)
  await alerting.runTimers(T0 + 2 * DAY_MS)
  await fallSilent('of-web', T0 + 10 * DAY_MS, T0 - DAY_MS)
  await fallSilent('back-soon', T0 + 10 * DAY_MS, T0 - DAY_MS)
  await fallSilent('of-another', T0 + 10 * DAY_MS, T0 + DAY_MS)
  expect(await alerting.alerts()).toEqual([
    'silence back-soon 1 firing outage',
    'silence of-another 1 firing told',
    'silence of-web 1 firing outage',
    'source_silent web 1 firing told',
  ])
  await alerting.recordActivity('web', T0 + 11 * DAY_MS, 24)
  await alerting.evaluate(accountChange({ accountId: 'back-soon', sequence: 3, at: T0 + 11 * DAY_MS, score: 80 }))
  await alerting.runTimers(T0 + 11 * DAY_MS + 15 * MINUTE_MS)
  expect(await alerting.alerts()).toEqual([
    'silence back-soon 1 resolved outage',
    'silence of-another 1 firing told',
    'silence of-web 1 firing told',
    'source_silent web 1 resolved told',
  ])
  expect(await alerting.transitions('silence')).toContain(
    `reminder outage_over told ${instant(11 * DAY_MS + 15 * MINUTE_MS)}`,
  )
})

test('a silent source that no model expects mutes nothing: the alert of its account is notified', async () => {
  await alerting.recordActivity('web', T0)
  await alerting.runTimers(T0 + 4 * DAY_MS)
  await fallSilent('acme', T0 + 7 * DAY_MS, T0)
  expect(await alerting.alerts()).toEqual(['silence acme 1 firing told', 'source_silent web 1 firing told'])
})

test('an alert about a source that is resolved by hand mutes nothing any more; one that is acknowledged still does', async () => {
  await addEndpoint(test_.database, 'https://example.com/hook', { eventTypes: ['alert.acknowledged'] })
  await alerting.recordActivity('web', T0, 24)
  await alerting.runTimers(T0 + 2 * DAY_MS)
  await fallSilent('acme', T0 + 3 * DAY_MS, T0 - 4 * DAY_MS)
  const alertId = derivedId('alert', 'default', 'source_silent', 'source', 'web', 1)
  const act = async (action: 'acknowledge' | 'resolve', at: number): Promise<void> => {
    await test_.database.transaction((tx) =>
      applyOperatorAction(tx, alerting.ruleCatalog, {
        tenantId: 'default',
        alertId,
        action: { do: action },
        actor: 'kim',
        at,
      }),
    )
    await alerting.runTimers(at)
  }
  await act('acknowledge', T0 + 4 * DAY_MS)
  expect(await alerting.alerts()).toContain('silence acme 1 firing outage')
  expect(await alerting.bodies()).toMatchObject([
    { type: 'alert.acknowledged', data: { source: 'web', alert: { id: alertId, acknowledgedBy: 'kim' } } },
  ])
  await act('resolve', T0 + 5 * DAY_MS)
  expect(await alerting.alerts()).toEqual(['silence acme 1 firing told', 'source_silent web 1 resolved told'])
})

test('a rule may leave sources out: that ends what it opened about them', async () => {
  await alerting.recordActivity('web', T0, 24)
  await alerting.recordActivity('billing', T0, 24)
  await alerting.runTimers(T0 + DAY_MS)
  const { document } = alerting.ruleCatalog.shipped.get('source_silent')!
  const at = T0 + 2 * DAY_MS
  await test_.database.transaction(async (tx) => {
    const only = { ...document, quietSource: { for: '24h', sources: ['web'] } }
    await saveRule(tx, { tenantId: 'default', document: only, deleted: false, at })
    await checkAllMonitors(tx, 'default', at)
  })
  await alerting.runTimers(at)
  expect(await alerting.alerts()).toEqual(['source_silent billing 1 resolved told', 'source_silent web 1 firing told'])
})

test('a rule that is switched off ends its alerts about sources, and the alerts they muted notify', async () => {
  await alerting.recordActivity('web', T0, 24)
  await alerting.runTimers(T0 + 2 * DAY_MS)
  await fallSilent('acme', T0 + 3 * DAY_MS, T0 - 4 * DAY_MS)
  const { document } = alerting.ruleCatalog.shipped.get('source_silent')!
  const at = T0 + 4 * DAY_MS
  await test_.database.transaction(async (tx) => {
    await saveRule(tx, { tenantId: 'default', document: { ...document, enabled: false }, deleted: false, at })
    await checkAllMonitors(tx, 'default', at)
  })
  await alerting.runTimers(at)
  expect(await alerting.alerts()).toEqual(['silence acme 1 firing told', 'source_silent web 1 resolved told'])
})
