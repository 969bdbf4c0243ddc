import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { AccountHealth } from '#libs/contracts/account-health.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#libs/runtime/durations.ts'
import { type AlertingHarness, createAlertingHarness } from '../../../tests/support/alerting/alerting-harness.ts'
import { createAlertingDatabase, type TestDatabase } from '../../../tests/support/postgres/alerting-database.ts'
import { accountChange } from '../../../tests/support/scoring/account-changes.ts'
import { addEndpoint } from '../../../tests/support/webhooks/deliveries.ts'

const T0 = Date.parse('2026-11-01T12:00:00.000Z')
/** The last activity of all is at T0; with a limit of 7 days they fall silent a week later. */
const SILENT_AT = T0 + 7 * DAY_MS
let test_: TestDatabase
let alerting: AlertingHarness
beforeAll(async () => {
  test_ = await createAlertingDatabase()
  alerting = createAlertingHarness(test_.database)
})
afterAll(async () => {
  await test_.drop()
})
beforeEach(async () => {
  await alerting.clear()
  await addEndpoint(test_.database, 'https://example.com/hook', {
    eventTypes: ['alert.firing', 'alert.resolved', 'outage.detected', 'outage.recovered'],
  })
})

const names = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `account-${String(i).padStart(3, '0')}`)
const active = (accountId: string, at = T0, daysSinceLastActivity = 0): AccountHealth =>
  accountChange({ accountId, sequence: 1, at, score: 80, facts: { silenceLimitDays: 7, daysSinceLastActivity } })
/** As scoring tells it: the silence cap takes 31 points, and the band falls with them. */
const silent = (accountId: string, at: number, sequence = 2): AccountHealth => {
  const facts = { silenceLimitDays: 7, daysSinceLastActivity: 7, silentSince: new Date(at).toISOString() }
  const change = accountChange({ accountId, sequence, at: at + 300, score: 49, previousScore: 80, facts })
  return { ...change, explanation: [{ ...change.explanation[0]!, factor: 'cap.silent', delta: -31, cause: 'cap' }] }
}
const activeAgain = (accountId: string, at: number, sequence = 3): AccountHealth => {
  const change = accountChange({
    accountId,
    sequence,
    at,
    score: 80,
    previousScore: 49,
    facts: { silenceLimitDays: 7 },
  })
  return { ...change, explanation: [{ ...change.explanation[0]!, factor: 'cap.silent', delta: 31, cause: 'cap' }] }
}
/** In batches of three, as they come from several partitions. */
const evaluateInBatches = async (messages: readonly AccountHealth[]): Promise<void> => {
  for (let i = 0; i < messages.length; i += 3) await alerting.evaluate(...messages.slice(i, i + 3))
}
const notified = async (): Promise<string[]> =>
  (await alerting.bodies()).map(({ type, data }) => `${type} ${data.alert.ruleId} ${data.accountId ?? '*'}`)
const count = async (line: RegExp): Promise<number> =>
  (await alerting.alerts()).filter((alert) => line.test(alert)).length

test('200 accounts that fall silent together are one alert, for operators; each of theirs says that an outage mutes it', async () => {
  await alerting.evaluate(...names(200).map((name) => active(name)))
  await evaluateInBatches(names(200).map((name) => silent(name, SILENT_AT)))
  await alerting.runTimers(SILENT_AT + 1_000)
  await alerting.runTimers(SILENT_AT + DAY_MS / 2)
  expect(await notified()).toEqual(['outage.detected outage *'])
  expect(await count(/^(silence|at_risk_entered) account-\d+ 1 firing outage$/)).toBe(400)
  expect((await alerting.bodies())[0].data).toMatchObject({ silentAccounts: 200, activeAccounts: 200 })
})

test('3 of 200 accounts that fall silent together are three alerts, each notified at once', async () => {
  await alerting.evaluate(...names(200).map((name) => active(name)))
  const [a, b, c, ...others] = names(200)
  await alerting.evaluate(...others.map((name) => ({ ...active(name, SILENT_AT - HOUR_MS), sequence: 2 })))
  await evaluateInBatches([a!, b!, c!].map((name) => silent(name, SILENT_AT)))
  expect(await count(/^silence account-00[012] 1 firing told$/)).toBe(3)
  expect(await count(/^outage/)).toBe(0)
  const silences = (await alerting.bodies()).filter(({ data }) => data.alert.ruleId === 'silence')
  expect(silences.map(({ timestamp }) => Date.parse(timestamp) - SILENT_AT)).toEqual([300, 300, 300])
})

test('alerts wait while many accounts are near their limit, and notify when no outage has shown', async () => {
  await alerting.evaluate(...names(50).map((name) => active(name)))
  await evaluateInBatches(names(4).map((name) => silent(name, SILENT_AT)))
  expect(await count(/^silence account-\d+ 1 firing held$/)).toBe(4)
  await alerting.evaluate(
    ...names(50)
      .slice(4)
      .map((name) => ({ ...active(name, SILENT_AT + MINUTE_MS), sequence: 2 })),
  )
  await alerting.runTimers(SILENT_AT + 15 * MINUTE_MS + 300)
  expect(await count(/^silence account-\d+ 1 firing told$/)).toBe(4)
  expect((await alerting.transitions('silence')).slice(-1)).toEqual([
    `reminder held_over told ${new Date(SILENT_AT + 15 * MINUTE_MS + 300).toISOString()}`,
  ])
})

test('when an outage is over, alerts of accounts that are still silent are notified, those of accounts that are back are not', async () => {
  await alerting.evaluate(...names(100).map((name) => active(name)))
  await evaluateInBatches(names(100).map((name) => silent(name, SILENT_AT)))
  await alerting.runTimers(SILENT_AT + MINUTE_MS)
  const backAt = SILENT_AT + HOUR_MS
  await evaluateInBatches(
    names(100)
      .slice(2)
      .map((name) => activeAgain(name, backAt)),
  )
  await alerting.runTimers(backAt + 1_000)
  expect(await count(/^outage \* 1 recovering told$/)).toBe(1)
  await alerting.runTimers(backAt + 20 * MINUTE_MS)
  expect(await count(/^outage \* 1 resolved told$/)).toBe(1)
  expect((await notified()).sort()).toEqual([
    'alert.firing at_risk_entered account-000',
    'alert.firing at_risk_entered account-001',
    'alert.firing silence account-000',
    'alert.firing silence account-001',
    'outage.detected outage *',
    'outage.recovered outage *',
  ])
  expect(await count(/^recovered account-\d+ 1 resolved outage$/)).toBe(98)
})

test('an outage is over half of what began it, and not because time passes', async () => {
  await alerting.evaluate(...names(100).map((name) => active(name)))
  await evaluateInBatches(names(30).map((name) => silent(name, SILENT_AT)))
  await alerting.runTimers(SILENT_AT + 1_000)
  await alerting.runTimers(SILENT_AT + 3 * DAY_MS)
  expect(await count(/^outage \* 1 firing told$/)).toBe(1)
  await evaluateInBatches(
    names(30)
      .slice(11)
      .map((name) => activeAgain(name, SILENT_AT + 3 * DAY_MS)),
  )
  await alerting.runTimers(SILENT_AT + 4 * DAY_MS)
  expect(await count(/^outage \* 1 firing told$/)).toBe(1)
  await evaluateInBatches(
    names(11)
      .slice(9)
      .map((name) => activeAgain(name, SILENT_AT + 4 * DAY_MS)),
  )
  await alerting.runTimers(SILENT_AT + 4 * DAY_MS + 1)
  await alerting.runTimers(SILENT_AT + 5 * DAY_MS)
  expect(await count(/^outage \* 1 resolved told$/)).toBe(1)
  expect(await count(/^silence account-\d+ 1 firing told$/)).toBe(9)
})

test('an alert that has nothing to do with the silence is notified during an outage', async () => {
  await alerting.evaluate(...names(20).map((name) => active(name)))
  await evaluateInBatches(names(20).map((name) => silent(name, SILENT_AT)))
  await alerting.runTimers(SILENT_AT + 1_000)
  const failed = accountChange({
    accountId: 'account-000',
    sequence: 3,
    at: SILENT_AT + HOUR_MS,
    score: 20,
    previousScore: 49,
    facts: { paymentFailedDays: 15, silentSince: new Date(SILENT_AT).toISOString(), silenceLimitDays: 7 },
  })
  await alerting.evaluate(failed)
  expect((await notified()).slice(1)).toEqual([
    'alert.firing critical_entered account-000',
    'alert.firing payment_failed account-000',
  ])
})

test('batches that several replicas evaluate at once notify of one alert, once', async () => {
  await alerting.evaluate(...names(120).map((name) => active(name)))
  const messages = names(120).map((name) => silent(name, SILENT_AT))
  const batches = Array.from({ length: 24 }, (_, i) => messages.slice(i * 5, i * 5 + 5))
  await Promise.all(
    [...batches, ...batches].map(async (batch, i) => {
      await alerting.evaluate(...batch)
      if (i % 4 === 0) await alerting.runTimers(SILENT_AT + 1_000)
    }),
  )
  await alerting.runTimers(SILENT_AT + 2_000)
  expect(await notified()).toEqual(['outage.detected outage *'])
})

test('a silent source explains that its accounts are silent together', async () => {
  await alerting.evaluate(...names(60).map((name) => active(name)))
  await alerting.recordActivity('web', T0)
  await alerting.runTimers(T0 + 3 * DAY_MS)
  await evaluateInBatches(names(60).map((name) => silent(name, SILENT_AT)))
  await alerting.runTimers(SILENT_AT + 1_000)
  expect(await count(/^outage \* 1 firing outage$/)).toBe(1)
  expect(await count(/^silence account-\d+ 1 firing outage$/)).toBe(60)
  expect(await notified()).toEqual([])
})
