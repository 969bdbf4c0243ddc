import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { AccountHealth } from '#libs/contracts/account-health.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import { createAlertingDatabase, type TestDatabase } from '../../../tests/support/postgres/alerting-database.ts'
import { accountChange, type Change } from '../../../tests/support/scoring/account-changes.ts'
import { testTombstones } from '../../../tests/support/tombstones.ts'
import { addEndpoint } from '../../../tests/support/webhooks/deliveries.ts'
import { insertSilence } from '../policy/silence-store.ts'
import { createRuleCatalog } from '../rules/rule-store.ts'
import { evaluateChanges, evaluateDueAccounts } from './evaluate-accounts.ts'

const T0 = Date.parse('2026-11-01T00:00:00.000Z')
const ruleCatalog = createRuleCatalog()
let test_: TestDatabase
beforeAll(async () => {
  test_ = await createAlertingDatabase()
})
afterAll(async () => {
  await test_.drop()
})
beforeEach(async () => {
  for (const table of [
    'alert',
    'account',
    'outbox',
    'delivery',
    'webhook_message',
    'webhook_endpoint',
    'rule',
    'silence',
  ])
    await test_.database.query(`truncate alerting.${table} cascade`)
})

const evaluate = (...messages: AccountHealth[]) =>
  test_.database.transaction((tx) => evaluateChanges(tx, { ruleCatalog, tombstones: testTombstones }, messages))
const runTimers = (now: number) => test_.database.transaction((tx) => evaluateDueAccounts(tx, ruleCatalog, now, 100))
const change = (sequence: number, day: number, score: number, more: Partial<Change> = {}) =>
  accountChange({ sequence, at: T0 + day * DAY_MS, score, previousScore: 80, ...more })
const alerts = async () =>
  (
    await test_.database.query<{ rule: string; account: string; episode: number; state: string; muted: string | null }>(
      `select rule_id as rule, account_id as account, episode, state, muted from alerting.alert order by rule_id, account_id, episode`,
    )
  ).map((row) => `${row.account} ${row.rule} ${row.episode} ${row.state} ${row.muted ?? 'told'}`)
const deliveries = async () =>
  (
    await test_.database.query<{ body: string }>(
      `select convert_from(m.body, 'UTF8') as body from alerting.delivery d join alerting.webhook_message m using (message_id)
        order by d.created_at, d.type`,
    )
  ).map((row) => JSON.parse(row.body))
const events = async () =>
  (await test_.database.query<{ value: Buffer }>('select value from alerting.outbox order by id')).map((row) =>
    JSON.parse(row.value.toString('utf8')),
  )

test('a fall makes one alert with a derived id, its transition on the topic, and a webhook with facts and explanation', async () => {
  await addEndpoint(test_.database, 'https://example.com/hook', { eventTypes: ['alert.firing'] })
  await evaluate(change(1, 0, 80), change(2, 1, 45))
  const id = derivedId('alert', 'default', 'at_risk_entered', 'acme', 1)
  expect(await alerts()).toEqual(['acme at_risk_entered 1 firing told'])
  expect(await events()).toMatchObject([{ alertId: id, transition: 'firing', reason: 'crossed', sequence: 2 }])
  expect(await deliveries()).toMatchObject([
    {
      type: 'alert.firing',
      timestamp: '2026-11-02T00:00:00.000Z',
      data: {
        tenantId: 'default',
        accountId: 'acme',
        sequence: 2,
        alert: { id, ruleId: 'at_risk_entered', severity: 'warning', episode: 1, firedAt: '2026-11-02T00:00:00.000Z' },
        health: { score: 45, band: 'at_risk' },
        explanation: [{ factor: 'usage.trend', before: 0.9, after: 0.6, cause: 'events' }],
        facts: { score: 45 },
      },
    },
  ])
})

test('the same changes delivered again, whole or in part, one by one or together, change nothing', async () => {
  await addEndpoint(test_.database, 'https://example.com/hook')
  const life = [change(1, 0, 80), change(2, 1, 45), change(3, 2, 20), change(4, 3, 60), change(5, 20, 45)]
  await evaluate(...life.slice(0, 3), ...life.slice(0, 2))
  await evaluate(...life.slice(1, 4))
  for (const message of life) await evaluate(message)
  const once = [await alerts(), await events(), (await deliveries()).length]
  expect(once[0]).toEqual([
    'acme at_risk_entered 1 resolved told',
    'acme at_risk_entered 2 firing told',
    'acme critical_entered 1 resolved told',
    'acme recovered 1 resolved told',
  ])
  for (let i = 0; i < 3; i++) await evaluate(...[...life].reverse())
  expect([await alerts(), await events(), (await deliveries()).length]).toEqual(once)
})

test('two consumers that evaluate one batch at once make each alert once', async () => {
  await addEndpoint(test_.database, 'https://example.com/hook', { eventTypes: ['alert.firing'] })
  const accounts = Array.from({ length: 50 }, (_, i) => `account-${i}`)
  const batch = accounts.flatMap((accountId) => [change(1, 0, 80, { accountId }), change(2, 1, 40, { accountId })])
  await Promise.all(Array.from({ length: 6 }, (_, i) => evaluate(...(i % 2 ? batch : [...batch].reverse()))))
  expect((await alerts()).length).toBe(50)
  expect((await events()).length).toBe(50)
  expect((await deliveries()).length).toBe(50)
  // Only locks keep consumers apart that evaluate existing accounts.
  const recoveries = accounts.map((accountId) => change(3, 2, 80, { accountId }))
  await Promise.all(Array.from({ length: 6 }, () => evaluate(...recoveries)))
  expect((await alerts()).filter((alert) => alert.includes('at_risk_entered 1 resolved')).length).toBe(50)
})

test('an account that falls to critical notifies of the critical alert; the warning is recorded as inhibited', async () => {
  await evaluate(change(1, 0, 80), change(2, 1, 10))
  expect(await alerts()).toEqual(['acme at_risk_entered 1 firing inhibited', 'acme critical_entered 1 firing told'])
})

test('backfill opens its episode silently and sends no webhook of any type', async () => {
  await addEndpoint(test_.database, 'https://example.com/hook')
  await evaluate(
    change(1, 0, 80, { backfill: true }),
    change(2, 1, 40, { backfill: true }),
    change(3, 2, 39.5, { backfill: true }),
  )
  expect(await alerts()).toEqual(['acme at_risk_entered 1 firing backfill'])
  expect(await deliveries()).toEqual([])
})

test('hard signals notify at any confidence and resolve when they end', async () => {
  const low = { band: 'insufficient_data' as const, confidence: 0.2 }
  await evaluate(
    change(1, 0, 80, { facts: { ...low, silentSince: '2026-11-01T00:00:00.000Z', paymentFailedDays: 0 } }),
    change(2, 1, 80, { facts: low }),
  )
  expect(await alerts()).toEqual(['acme payment_failed 1 resolved told', 'acme silence 1 resolved told'])
})

test('a reminder is due after 14 days though no event comes, once, whoever looks', async () => {
  await addEndpoint(test_.database, 'https://example.com/hook', { eventTypes: ['alert.firing'] })
  await evaluate(change(1, 0, 80), change(2, 1, 45))
  expect(await runTimers(T0 + 15 * DAY_MS - 1)).toBe(0)
  expect(await Promise.all([1, 2, 3].map(() => runTimers(T0 + 15 * DAY_MS)))).toContain(1)
  expect(await runTimers(T0 + 15 * DAY_MS)).toBe(0)
  const bodies = await deliveries()
  expect(bodies.map((body) => [body.timestamp, body.data.alert.reminder])).toEqual([
    ['2026-11-02T00:00:00.000Z', undefined],
    ['2026-11-16T00:00:00.000Z', true],
  ])
})

test('a change is evaluated after all that fell due before it, each at its own instant', async () => {
  await evaluate(change(1, 0, 80), change(2, 1, 45), change(3, 40, 80))
  const rows = await test_.database.query<{ kind: string; day: number }>(
    `select kind, (extract(epoch from t.at) * 1000 - $1) / 86400000 as day
       from alerting.alert_transition t join alerting.alert a using (alert_id)
      where rule_id = 'at_risk_entered' order by position`,
    [T0],
  )
  expect(rows.map((row) => [row.kind, Number(row.day)])).toEqual([
    ['firing', 1],
    ['reminder', 15],
    ['reminder', 29],
    ['resolved', 40],
  ])
})

test('a move of a point, a band, a stage and a step notify as changes; a smaller move does not', async () => {
  await addEndpoint(test_.database, 'https://example.com/hook')
  await evaluate(
    change(1, 0, 80.5),
    change(2, 1, 81),
    change(3, 2, 74, { steps: [{ journeyId: 'main', stepId: 'invite' }] }),
  )
  const bodies = await deliveries()
  expect(bodies.map((body) => [body.data.sequence, body.type, body.data.step?.stepId])).toEqual([
    [2, 'health.changed', undefined],
    [3, 'band.changed', undefined],
    [3, 'health.changed', undefined],
    [3, 'onboarding.step_completed', 'invite'],
  ])
})

test('a body stays under 20 KB: a long explanation is cut to its largest lines', async () => {
  await addEndpoint(test_.database, 'https://example.com/hook', { eventTypes: ['alert.firing'] })
  const long = change(1, 0, 40)
  const line = long.explanation[0]!
  const explanation = Array.from({ length: 400 }, (_, i) => ({ ...line, factor: `f${'x'.repeat(500)}${i}`, delta: i }))
  await evaluate({ ...long, explanation })
  const [body] = await deliveries()
  expect(JSON.stringify(body).length).toBeLessThan(20_000)
  expect(body.data.explanation[0].delta).toBe(399)
  expect(body.data.explanation.length + body.data.explanationCut).toBe(400)
})

test('accounts of two tenants with one id are two accounts', async () => {
  await evaluate(change(1, 0, 80), change(1, 0, 45, { tenantId: 'other' }), change(2, 1, 45))
  const rows = await test_.database.query<{ tenant: string }>(
    'select tenant_id as tenant from alerting.alert order by 1',
  )
  expect(rows.map((row) => row.tenant)).toEqual(['default', 'other'])
})

test('a reminder that falls due within a silence is muted, also when its timer runs after the silence', async () => {
  const silence = { startsAt: T0 + 14 * DAY_MS, endsAt: T0 + 16 * DAY_MS, matcher: {} }
  const stored = { ...silence, silenceId: derivedId('test-silence'), comment: '', createdBy: 'a test', createdAt: T0 }
  await test_.database.transaction((tx) => insertSilence(tx, 'default', stored))
  await evaluate(change(1, 0, 80), change(2, 1, 45))
  await evaluate(accountChange({ accountId: 'other', sequence: 1, score: 45, at: T0 + DAY_MS }))
  await evaluate(accountChange({ accountId: 'other', sequence: 2, score: 46, at: T0 + 20 * DAY_MS }))
  await runTimers(T0 + 20 * DAY_MS)
  const reminders = await test_.database.query(
    `select account_id as account, t.told, t.muted from alerting.alert_transition t join alerting.alert using (alert_id)
      where kind = 'reminder' order by account_id`,
  )
  expect(reminders).toEqual([
    { account: 'acme', told: false, muted: 'silenced' },
    { account: 'other', told: false, muted: 'silenced' },
  ])
})
