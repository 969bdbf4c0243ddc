import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { AccountHealth } from '#libs/contracts/account-health.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#libs/runtime/durations.ts'
import { type AlertingHarness, createAlertingHarness } from '../../../tests/support/alerting/alerting-harness.ts'
import { findTexts } from '../../../tests/support/find-text.ts'
import { createAlertingDatabase, type TestDatabase } from '../../../tests/support/postgres/alerting-database.ts'
import { accountChange, type Change } from '../../../tests/support/scoring/account-changes.ts'
import { addEndpoint } from '../../../tests/support/webhooks/deliveries.ts'
import { applyOperatorAction } from '../evaluation/apply-operator-action.ts'
import { sendDueDigests } from './send-digests.ts'
import { sendDueGroups } from './send-groups.ts'

/** A Wednesday noon. */
const T0 = Date.parse('2026-11-25T12:00:00.000Z')
const HOOK = 'https://example.com/hook'
let test_: TestDatabase
let alerting: AlertingHarness
beforeAll(async () => {
  test_ = await createAlertingDatabase()
  alerting = createAlertingHarness(test_.database)
})
afterAll(() => test_.drop())
beforeEach(() => alerting.clear())

const change = (accountId: string, sequence: number, at: number, score: number, more: Partial<Change> = {}) =>
  accountChange({ accountId, sequence, at, score, previousScore: 80, ...more })
const owned = (ownerId: string) => ({ facts: { ownerId } })
const notified = async (): Promise<string[]> =>
  (await alerting.bodies()).map(
    ({ type, timestamp, data }) => `${timestamp.slice(8, 16)} ${type} ${data.accountId ?? data.ownerId}`,
  )
const fall = (accountId: string, at: number, more: Partial<Change> = {}): AccountHealth =>
  change(accountId, 1, at, 40, more)

const NIGHTS = { from: '20:00', to: '07:00' }

test('an alert that opens in quiet hours says so, and notifies at their end if it still fires', async () => {
  await addEndpoint(test_.database, HOOK, { eventTypes: ['alert.firing', 'alert.resolved'] })
  await alerting.setPolicy({ quietHours: NIGHTS }, T0)
  const night = T0 + 10 * HOUR_MS
  await alerting.evaluate(fall('lasting', night), fall('short', night))
  await alerting.evaluate(change('short', 2, night + HOUR_MS, 80))
  await alerting.runTimers(night + HOUR_MS)
  expect(await alerting.alerts()).toEqual(
    expect.arrayContaining([
      'at_risk_entered lasting 1 firing quiet_hours',
      'at_risk_entered short 1 resolved quiet_hours',
    ]),
  )
  expect(await notified()).toEqual([])
  await alerting.runTimers(T0 + DAY_MS)
  expect(await notified()).toEqual(['26T07:00 alert.firing lasting'])
  expect(await alerting.alerts()).toContain('at_risk_entered lasting 1 firing told')
  expect((await alerting.transitions('at_risk_entered')).at(-1)).toBe(
    'reminder quiet_hours_over told 2026-11-26T07:00:00.000Z',
  )
})

test('in quiet hours critical alerts pass, and recoveries wait until they end', async () => {
  await addEndpoint(test_.database, HOOK, { eventTypes: ['alert.firing', 'alert.resolved'] })
  await alerting.setPolicy({ quietHours: NIGHTS }, T0)
  await alerting.evaluate(fall('acme', T0))
  await alerting.evaluate(change('acme', 2, T0 + 10 * HOUR_MS, 20), change('acme', 3, T0 + 11 * HOUR_MS, 90))
  const rows = await test_.database.query<{ rule: string; due: number; soon: boolean }>(
    `select convert_from(m.body, 'UTF8')::json -> 'data' -> 'alert' ->> 'ruleId' as rule, d.next_attempt_at as due, d.next_attempt_at <= now() as soon
       from alerting.delivery d join alerting.webhook_message m using (message_id) where d.type = 'alert.resolved' order by 1`,
  )
  expect(rows.map(({ rule, due, soon }) => [rule, rule === 'critical_entered' ? soon : due])).toEqual([
    ['at_risk_entered', Date.parse('2026-11-26T07:00:00.000Z')],
    ['critical_entered', true],
  ])
  expect((await notified()).filter((line) => line.includes('firing'))).toEqual([
    '25T12:00 alert.firing acme',
    '25T22:00 alert.firing acme',
  ])
})

test('quiet hours that are switched off release their alerts at once', async () => {
  await addEndpoint(test_.database, HOOK, { eventTypes: ['alert.firing'] })
  await alerting.setPolicy({ quietHours: NIGHTS }, T0)
  await alerting.evaluate(fall('acme', T0 + 10 * HOUR_MS))
  await alerting.setPolicy({}, T0 + 11 * HOUR_MS)
  await alerting.runTimers(T0 + 11 * HOUR_MS)
  expect(await notified()).toEqual(['25T23:00 alert.firing acme'])
})

test('a reminder in quiet hours waits until they end', async () => {
  await addEndpoint(test_.database, HOOK, { eventTypes: ['alert.firing'] })
  await alerting.evaluate(fall('acme', T0 + 10 * HOUR_MS))
  await alerting.setPolicy({ quietHours: NIGHTS }, T0 + DAY_MS)
  await alerting.runTimers(T0 + 14 * DAY_MS + 11 * HOUR_MS)
  await alerting.runTimers(T0 + 15 * DAY_MS)
  expect(await notified()).toEqual(['25T22:00 alert.firing acme', '10T07:00 alert.firing acme'])
})

test('alerts of one owner within a window are one notification; a single one is sent as itself, a critical one at once', async () => {
  await addEndpoint(test_.database, HOOK)
  await alerting.setPolicy({ grouping: { window: '5m' } }, T0)
  for (const [i, name] of ['a', 'b', 'c'].entries())
    await alerting.evaluate(fall(name, T0 + i * MINUTE_MS, owned('kim')))
  await alerting.evaluate(fall('d', T0 + MINUTE_MS, owned('lee')))
  await alerting.evaluate(change('grave', 1, T0, 10, owned('kim')))
  await alerting.runTimers(T0 + 5 * MINUTE_MS - 1)
  const alerts = async () => (await alerting.bodies()).filter(({ type }) => type.startsWith('alert.'))
  expect((await alerts()).map(({ data }) => data.alert.ruleId)).toEqual(['critical_entered'])
  await alerting.runTimers(T0 + 7 * MINUTE_MS)
  const bodies = await alerts()
  expect(bodies).toHaveLength(3)
  expect(bodies).toContainEqual(
    expect.objectContaining({ type: 'alert.firing', data: expect.objectContaining({ accountId: 'd' }) }),
  )
  const group = bodies.find(({ type }) => type === 'alert.grouped')
  expect(group.data).toMatchObject({ tenantId: 'default', ownerId: 'kim', count: 3 })
  expect(
    group.data.alerts.map((one: Record<string, unknown>) => [one.accountId, one.ruleId, one.state, one.score]),
  ).toEqual([
    ['a', 'at_risk_entered', 'firing', 40],
    ['b', 'at_risk_entered', 'firing', 40],
    ['c', 'at_risk_entered', 'firing', 40],
  ])
})

test('endpoints that name single types are notified at once, and filters apply within a group', async () => {
  await addEndpoint(test_.database, 'https://example.com/each', { description: 'each', eventTypes: ['alert.firing'] })
  await addEndpoint(test_.database, 'https://example.com/kim', {
    description: 'kim',
    eventTypes: ['alert.grouped'],
    filter: { accountId: ['a', 'b'] },
  })
  await alerting.setPolicy({ grouping: { window: '5m' } }, T0)
  for (const name of ['a', 'b', 'c']) await alerting.evaluate(fall(name, T0, owned('kim')))
  await alerting.evaluate(change('a', 2, T0 + MINUTE_MS, 90, owned('kim')))
  await alerting.runTimers(T0 + HOUR_MS)
  const sent = await test_.database.query<{ name: string; type: string; body: string }>(
    `select e.description as name, d.type, convert_from(m.body, 'UTF8') as body from alerting.delivery d
       join alerting.webhook_endpoint e using (endpoint_id) join alerting.webhook_message m using (message_id) order by 1, 2`,
  )
  expect(sent.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'each alert.firing',
    'each alert.firing',
    'each alert.firing',
    'each alert.firing',
    'kim alert.grouped',
  ])
  const { alerts } = JSON.parse(sent.at(-1)!.body).data
  expect(alerts.map((one: Record<string, unknown>) => `${one.accountId} ${one.ruleId} ${one.state}`)).toEqual([
    'a at_risk_entered resolved',
    'b at_risk_entered firing',
    'a recovered firing',
  ])
})

test('an unacknowledged alert is escalated once, to the endpoints of the policy; an acknowledged one is not', async () => {
  const { endpointId } = await addEndpoint(test_.database, 'https://example.com/lead', { eventTypes: ['webhook.test'] })
  await alerting.setPolicy({ escalation: { after: '1h', severities: ['warning'], endpointIds: [endpointId] } }, T0)
  await alerting.evaluate(fall('forgotten', T0), fall('seen-to', T0), fall('recovered', T0))
  const [alert] = await test_.database.query<{ id: string }>(
    `select alert_id as id from alerting.alert where account_id = 'seen-to'`,
  )
  await test_.database.transaction((tx) =>
    applyOperatorAction(tx, alerting.ruleCatalog, {
      tenantId: 'default',
      alertId: alert!.id,
      action: { do: 'acknowledge' },
      actor: 'kim',
      at: T0 + 1,
    }),
  )
  await alerting.evaluate(change('recovered', 2, T0 + MINUTE_MS, 90))
  await alerting.runTimers(T0 + HOUR_MS - 1)
  expect(await notified()).toEqual([])
  await alerting.runTimers(T0 + 2 * HOUR_MS)
  await alerting.runTimers(T0 + 5 * HOUR_MS)
  expect(await notified()).toEqual(['25T13:00 alert.escalated forgotten'])
  expect(await alerting.transitions('at_risk_entered')).toContain(
    'escalated unacknowledged told 2026-11-25T13:00:00.000Z',
  )
})

test('an escalation has the severity of the policy and goes to its subscribers', async () => {
  await addEndpoint(test_.database, HOOK, { eventTypes: ['alert.escalated'], filter: { severity: 'critical' } })
  await alerting.setPolicy({ escalation: { severities: ['warning'] } }, T0)
  await alerting.evaluate(fall('acme', T0))
  await alerting.runTimers(T0 + 2 * HOUR_MS)
  expect(await notified()).toEqual(['25T13:00 alert.escalated acme'])
})

const drop = (accountId: string, at: number, more: Partial<Change> = {}): AccountHealth =>
  change(accountId, 1, at, 70, { ...more, facts: { scoreDelta7d: -12, ...more.facts } })

test('each owner gets a daily digest of the alerts since the last one, also of digest-only rules', async () => {
  await addEndpoint(test_.database, HOOK, { eventTypes: ['alert.digest'] })
  await alerting.setPolicy({ digest: { at: '08:00' } }, T0)
  await alerting.evaluate(drop('a', T0, owned('kim')), fall('b', T0 + 1, owned('kim')), drop('c', T0, owned('lee')))
  await alerting.evaluate(drop('old', T0, { backfill: true, ...owned('lee') }))
  await alerting.runTimers(T0 + 20 * HOUR_MS - 1)
  expect(await notified()).toEqual([])
  await alerting.runTimers(T0 + 20 * HOUR_MS)
  const bodies = await alerting.bodies()
  const lines = bodies.map(({ data }) => [
    data.ownerId,
    data.from,
    data.alerts.map((one: Record<string, unknown>) => `${one.ruleId} ${one.accountId} ${one.notToldBecause}`),
  ])
  expect(lines.sort()).toEqual([
    ['kim', '2026-11-25T08:00:00.000Z', ['at_risk_entered b null', 'drop_10_in_7d a digest_only']],
    ['lee', '2026-11-25T08:00:00.000Z', ['drop_10_in_7d c digest_only']],
  ])
  await alerting.evaluate(drop('d', T0 + 2 * DAY_MS, owned('kim')))
  await alerting.runTimers(T0 + 5 * DAY_MS)
  const later = (await alerting.bodies()).slice(2)
  expect(later.map(({ data }) => [data.ownerId, data.from, data.count])).toEqual([
    ['kim', '2026-11-26T08:00:00.000Z', 1],
  ])
  await alerting.runTimers(T0 + 6 * DAY_MS)
  expect(await alerting.bodies()).toHaveLength(3)
})

test('replicas that race send each group and each digest once', async () => {
  await addEndpoint(test_.database, HOOK, { eventTypes: ['alert.grouped', 'alert.digest'] })
  await alerting.setPolicy({ grouping: { window: '1m' }, digest: { at: '08:00' } }, T0)
  for (let owner = 0; owner < 8; owner++)
    await Promise.all(
      [1, 2, 3].map((i) => alerting.evaluate(fall(`account-${owner}-${i}`, T0, owned(`owner-${owner}`)))),
    )
  const at = T0 + 20 * HOUR_MS
  const race = async (send: typeof sendDueGroups): Promise<number> => {
    const sent = await Promise.all([1, 2, 3, 4].map(() => test_.database.transaction((tx) => send(tx, at))))
    return sent.reduce((sum, count) => sum + count, 0)
  }
  expect(await race(sendDueGroups)).toBe(8)
  expect(await race(sendDueDigests)).toBe(1)
  const types = (await alerting.bodies()).map(({ type, data }) => `${type} ${data.count}`)
  expect(types.filter((line) => line === 'alert.grouped 3')).toHaveLength(8)
  expect(types.filter((line) => line === 'alert.digest 3')).toHaveLength(8)
  expect(types).toHaveLength(16)
})

test('a process that is killed while it sends a group leaves it to the next one', async () => {
  await addEndpoint(test_.database, HOOK, { eventTypes: ['alert.grouped'] })
  await alerting.setPolicy({ grouping: { window: '1m' } }, T0)
  await alerting.evaluate(fall('a', T0), fall('b', T0))
  const killed = test_.database.transaction(async (tx) => {
    await sendDueGroups(tx, T0 + HOUR_MS)
    throw new Error('killed')
  })
  await expect(killed).rejects.toThrow('killed')
  await alerting.runTimers(T0 + HOUR_MS)
  expect((await alerting.bodies()).map(({ type, data }) => `${type} ${data.count}`)).toEqual(['alert.grouped 2'])
})

test('erasing an account removes the groups and digests that name it', async () => {
  await addEndpoint(test_.database, HOOK)
  await addEndpoint(test_.database, 'https://example.com/slack', { kind: 'slack' })
  await alerting.setPolicy({ grouping: { window: '1m' }, digest: { at: '08:00' } }, T0)
  await alerting.evaluate(fall('canary', T0), fall('neighbour', T0))
  await alerting.runTimers(T0 + DAY_MS)
  await alerting.evaluate(change('canary', 2, T0 + DAY_MS, 90), change('neighbour', 2, T0 + DAY_MS, 90))
  await test_.database.query("select access.erase_account('default', 'canary', 2)")
  expect(await findTexts(test_.database, ['canary'])).toEqual([])
  await alerting.runTimers(T0 + 2 * DAY_MS)
  expect(await findTexts(test_.database, ['canary'])).toEqual([])
  expect(await findTexts(test_.database, ['neighbour'])).toContain('alerting.webhook_message')
})
