import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY_MS } from '#libs/runtime/durations.ts'
import { type AlertingServer, createAlertingServer } from '../../../tests/support/alerting/alerting-server.ts'
import { createManualClock } from '../../../tests/support/manual-clock.ts'
import { createAlertingDatabase, type TestDatabase } from '../../../tests/support/postgres/alerting-database.ts'
import { accountChange, type Change } from '../../../tests/support/scoring/account-changes.ts'
import { testTombstones } from '../../../tests/support/tombstones.ts'
import { evaluateChanges, evaluateDueAccounts } from '../evaluation/evaluate-accounts.ts'
import { createRuleCatalog } from '../rules/rule-store.ts'

const clock = createManualClock(Date.parse('2026-11-01T00:00:00.000Z'))
const ruleCatalog = createRuleCatalog()
let test_: TestDatabase
let server: AlertingServer
beforeAll(async () => {
  test_ = await createAlertingDatabase()
  server = await createAlertingServer(test_.database, clock)
})
afterAll(async () => {
  await server.app.close()
  await test_.drop()
})

const see = (accountId: string, sequence: number, score: number, more: Partial<Change> = {}) =>
  test_.database.transaction((tx) =>
    evaluateChanges(tx, { ruleCatalog, tombstones: testTombstones }, [
      accountChange({ accountId, sequence, score, at: clock.now(), previousScore: 80, ...more }),
    ]),
  )
const runTimers = async () => {
  while ((await test_.database.transaction((tx) => evaluateDueAccounts(tx, ruleCatalog, clock.now(), 100))) > 0);
}
const audit = async (subject: string) =>
  (
    await test_.database.query<{ action: string }>('select action from access.audit where subject = $1 order by id', [
      subject,
    ])
  ).map((row) => row.action)

test('alerts are listed newest first in pages, filtered, and shown with transitions and evidence', async () => {
  for (const account of ['a1', 'a2', 'a3']) {
    await see(account, 1, 40, { facts: { ownerId: account === 'a2' ? 'kim' : 'lee' } })
    clock.advance(1_000)
  }
  const first = await server.call('GET', '/v1/alerts?limit=2')
  expect(first.body.items.map((item) => item.accountId)).toEqual(['a3', 'a2'])
  const rest = await server.call('GET', `/v1/alerts?limit=2&cursor=${first.body.nextCursor}`)
  expect(rest.body.items.map((item) => item.accountId)).toEqual(['a1'])
  expect(rest.body.nextCursor).toBe(null)
  const kim = await server.call('GET', '/v1/alerts?owner=kim&state=firing&ruleId=at_risk_entered')
  expect(kim.body.items.map((item) => item.accountId)).toEqual(['a2'])
  const { body } = await server.call('GET', `/v1/alerts/${kim.body.items[0]!.id}`)
  expect(body).toMatchObject({
    state: 'firing',
    reason: 'first_known_below',
    transitions: [{ kind: 'firing', told: true, by: null }],
    evidence: { sequence: 1, health: { score: 40 }, facts: { ownerId: 'kim' } },
  })
})

const alertOf = async (accountId: string) =>
  (await server.call('GET', `/v1/alerts?accountId=${accountId}`)).body.items[0]!

test('acknowledge, snooze and resolve leave a transition with its author and an audit row', async () => {
  await see('b1', 1, 40)
  const { id } = await alertOf('b1')
  expect((await server.call('POST', `/v1/alerts/${id}/acknowledge`)).body).toMatchObject({ acknowledgedBy: 'default' })
  expect((await server.call('POST', `/v1/alerts/${id}/acknowledge`)).body.transitions.length).toBe(2)
  const until = new Date(clock.now() + DAY_MS).toISOString()
  expect((await server.call('POST', `/v1/alerts/${id}/snooze`, { until })).body).toMatchObject({ snoozedUntil: until })
  const { body } = await server.call('POST', `/v1/alerts/${id}/resolve`)
  expect(body.state).toBe('resolved')
  expect(body.transitions.map((one) => [one.kind, one.by])).toEqual([
    ['firing', null],
    ['acknowledged', 'default'],
    ['snoozed', 'default'],
    ['resolved', 'default'],
  ])
  expect(await audit(id)).toEqual(['alert.acknowledge', 'alert.acknowledge', 'alert.snooze', 'alert.resolve'])
  expect((await server.call('POST', `/v1/alerts/${id}/resolve`)).status).toBe(409)
  await see('b1', 2, 39)
  expect((await alertOf('b1')).state).toBe('resolved')
})

test('another tenant sees and changes nothing, a reader changes nothing, and a snooze into the past is refused', async () => {
  await see('c1', 1, 40)
  const { id } = await alertOf('c1')
  expect((await server.call('GET', `/v1/alerts/${id}`, undefined, 'other')).status).toBe(404)
  expect((await server.call('POST', `/v1/alerts/${id}/resolve`, undefined, 'other')).status).toBe(404)
  expect((await server.call('GET', '/v1/alerts', undefined, 'other')).body.items).toEqual([])
  expect((await server.call('POST', `/v1/alerts/${id}/resolve`, undefined, 'default-reader')).status).toBe(403)
  const past = await server.call('POST', `/v1/alerts/${id}/snooze`, { until: '2020-01-01T00:00:00.000Z' })
  expect([past.status, past.body.errors[0]!.pointer]).toEqual([422, '/until'])
})

test('a new rule is evaluated on all accounts at once; mistakes in it are answered with pointers', async () => {
  const tenantId = 'rules-tenant'
  await see('d1', 1, 64, { tenantId })
  const rule = { id: 'below_65', severity: 'info', when: { fact: 'score', op: '<', value: 65 } }
  const wrong = await server.call(
    'POST',
    '/v1/rules',
    { ...rule, when: { all: [{ fact: 'scor', op: '<' }] } },
    tenantId,
  )
  expect([wrong.status, wrong.body.errors[0]!.pointer]).toEqual([422, '/when/all/0/fact'])
  expect((await server.call('POST', '/v1/rules', rule, tenantId)).status).toBe(201)
  expect((await server.call('POST', '/v1/rules', rule, tenantId)).status).toBe(409)
  await runTimers()
  const { body } = await server.call('GET', '/v1/alerts', undefined, tenantId)
  expect(body.items.map((item) => item.ruleId)).toEqual(['below_65'])
  expect((await server.call('GET', '/v1/rules/below_65')).status).toBe(404)
  expect(await audit('below_65')).toEqual(['rule.created'])
  expect((await server.call('DELETE', '/v1/rules/below_65', undefined, tenantId)).status).toBe(204)
  await runTimers()
  const ended = await server.call('GET', `/v1/alerts/${body.items[0]!.id}`, undefined, tenantId)
  expect(ended.body.transitions.at(-1)).toMatchObject({ kind: 'resolved', reason: 'switched_off' })
})

test('a rule in YAML is read, and a shipped rule can be switched off and restored', async () => {
  const tenantId = 'shipped-tenant'
  await see('e1', 1, 40, { tenantId })
  const { body: shipped } = await server.call('GET', '/v1/rules/at_risk_entered', undefined, tenantId)
  expect(shipped.origin).toBe('shipped')
  const off = await server.call('PUT', '/v1/rules/at_risk_entered', { ...shipped, enabled: false }, tenantId)
  expect(off.body).toMatchObject({ origin: 'changed', enabled: false })
  await runTimers()
  const alerts = async () => (await server.call('GET', '/v1/alerts', undefined, tenantId)).body.items
  expect((await alerts()).map((item) => item.state)).toEqual(['resolved'])
  await see('e2', 1, 40, { tenantId })
  expect((await alerts()).length).toBe(1)
  expect((await server.call('DELETE', '/v1/rules/at_risk_entered', undefined, tenantId)).status).toBe(204)
  expect((await server.call('DELETE', '/v1/rules/at_risk_entered', undefined, tenantId)).status).toBe(409)
  await runTimers()
  expect((await alerts()).length).toBe(3)
  const yaml = 'id: quiet\nseverity: info\nwhen: { fact: daysSinceLastActivity, op: ">", value: 5 }\n'
  expect((await server.call('POST', '/v1/rules', yaml, tenantId)).body).toMatchObject({ id: 'quiet', origin: 'own' })
  expect((await server.call('POST', '/v1/rules', 'a: [', tenantId)).status).toBe(422)
})

test('a silence mutes matching alerts, which say so, and is listed until it is deleted', async () => {
  const endsAt = new Date(clock.now() + DAY_MS).toISOString()
  const made = await server.call('POST', '/v1/silences', { matcher: { accountId: 'f1' }, endsAt, comment: 'move' })
  expect(made.status).toBe(201)
  await see('f1', 1, 40)
  expect(await alertOf('f1')).toMatchObject({ state: 'firing', told: false, notToldBecause: 'silenced' })
  expect((await server.call('GET', '/v1/silences')).body.items.map((item) => item.id)).toEqual([made.body.id])
  expect((await server.call('DELETE', `/v1/silences/${made.body.id}`, undefined, 'other')).status).toBe(404)
  expect((await server.call('DELETE', `/v1/silences/${made.body.id}`)).status).toBe(204)
  expect(await audit(made.body.id)).toEqual(['silence.created', 'silence.deleted'])
  const past = await server.call('POST', '/v1/silences', { matcher: {}, endsAt: '2020-01-01T00:00:00.000Z' })
  expect([past.status, past.body.errors[0]!.pointer]).toEqual([422, '/endsAt'])
})

test('the notification policy is replaced, checked and audited; without one alerts notify at once', async () => {
  const tenantId = 'policy-tenant'
  const call = (policy?: object, key = tenantId) =>
    server.call(policy ? 'PUT' : 'GET', '/v1/notification-policy', policy, key)
  const none = { quietHours: null, grouping: null, escalation: null, digest: null }
  expect((await call()).body).toEqual(none)
  const hours = { timeZone: 'Europe/Berlin', from: '20:00', to: '07:00' }
  const changed = await call({ quietHours: hours, digest: {} })
  expect(changed.body).toMatchObject({
    quietHours: { ...hours, quietDays: [], criticalPasses: true },
    digest: { at: '08:00', timeZone: 'UTC' },
    grouping: null,
  })
  expect((await call()).body).toEqual(changed.body)
  expect((await call(undefined, 'default')).body).toEqual(none)
  expect((await call({}, `${tenantId}-reader`)).status).toBe(403)
  const wrong: [object, string][] = [
    [{ quietHours: { ...hours, timeZone: 'Mars/Olympus' } }, '/quietHours/timeZone'],
    [{ quietHours: { ...hours, to: '20:00' } }, '/quietHours/to'],
    [{ quietHours: {} }, '/quietHours/from'],
    [{ grouping: { window: '0s' } }, '/grouping/window'],
    [{ digest: { at: '25:00' } }, '/digest/at'],
    [{ escalation: { endpointIds: ['0f0c7a52-52a8-4a30-a3ab-2a8f0d9c2b11'] } }, '/escalation/endpointIds/0'],
  ]
  for (const [policy, pointer] of wrong) {
    const { status, body } = await call(policy)
    expect([status, body.errors.map((error) => error.pointer)]).toEqual([422, [pointer]])
  }
  expect(await audit(tenantId)).toEqual(['notification-policy.changed'])
})
