import { expect, onTestFinished, test } from 'vitest'
import { DAY_MS, HOUR_MS } from '#libs/runtime/durations.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { createUnreadableDocuments } from '#libs/runtime/unreadable-documents.ts'
import { createAlertingHarness } from '../../../tests/support/alerting/alerting-harness.ts'
import { createAlertingServer } from '../../../tests/support/alerting/alerting-server.ts'
import { createManualClock } from '../../../tests/support/manual-clock.ts'
import { createAlertingDatabase } from '../../../tests/support/postgres/alerting-database.ts'
import { accountChange } from '../../../tests/support/scoring/account-changes.ts'
import { addEndpoint } from '../../../tests/support/webhooks/deliveries.ts'

/** A Wednesday night, within the quiet hours below. */
const NIGHT = Date.parse('2026-11-25T22:00:00.000Z')
const QUIET = { quietHours: { from: '20:00', to: '07:00' }, grouping: {} }

/** Two tenants with an endpoint each; what another release has stored is the first one's. */
const createFixture = async () => {
  const { database, drop } = await createAlertingDatabase()
  onTestFinished(drop)
  const clock = createManualClock(NIGHT)
  const metrics = createMetrics()
  const alerting = createAlertingHarness(database, createUnreadableDocuments(metrics, silentLogger))
  const server = await createAlertingServer(database, clock)
  onTestFinished(() => server.app.close())
  await addEndpoint(database, 'https://example.com/one', { eventTypes: ['alert.firing'] })
  await addEndpoint(database, 'https://example.com/two', { eventTypes: ['alert.firing'], tenantId: 'other' })
  /** A member that no release of now has, as a newer one would write it. */
  const spoil = (table: string, column: string, member: object = { memberOfANewerRelease: 1 }) =>
    database.query(`update alerting.${table} set ${column} = ${column} || $1::jsonb where tenant_id = 'default'`, [
      JSON.stringify(member),
    ])
  const fall = () =>
    alerting.evaluate(
      ...['default', 'other'].map((tenantId) =>
        accountChange({ tenantId, sequence: 1, score: 40, previousScore: 80, at: clock.now() }),
      ),
    )
  const notified = async (): Promise<string[]> =>
    (await alerting.bodies()).map(({ type, data }) => `${type} ${data.tenantId}`).sort()
  const unreadable = async (kind: string): Promise<string | undefined> =>
    (await metrics.metrics()).split('\n').find((line) => line.includes(`kind="${kind}"`))
  return { database, clock, alerting, server, spoil, fall, notified, unreadable }
}

const BOTH = ['alert.firing default', 'alert.firing other']
const PROBLEM = { code: 'unreadable', detail: expect.stringContaining('memberOfANewerRelease') }

test('quiet hours and groups of a policy that cannot be read hold back no alert', async () => {
  const { alerting, server, spoil, fall, notified, unreadable } = await createFixture()
  await alerting.setPolicy({ ...QUIET, escalation: {} }, NIGHT)
  await spoil('notification_policy', 'document')
  await fall()
  expect(await notified()).toEqual(BOTH)
  expect(await unreadable('notification_policy')).toMatch(/ 1$/)
  const { status, body } = await server.call('GET', '/v1/notification-policy')
  expect(status).toBe(200)
  expect(body).toMatchObject({ quietHours: null, grouping: null, escalation: { after: '1h' }, problem: PROBLEM })
  expect(body).toMatchObject({ document: { quietHours: { from: '20:00' }, memberOfANewerRelease: 1 } })
  expect(await server.call('PUT', '/v1/notification-policy', QUIET)).toMatchObject({ status: 200 })
  expect((await server.call('GET', '/v1/notification-policy')).body).not.toHaveProperty('problem')
})

test.each([
  ['no object', 'to_jsonb(1)'],
  ['null', `'null'::jsonb`],
  [
    'parts of another shape',
    `'{"quietHours": 5, "grouping": [], "escalation": {"after": {}}, "digest": "daily"}'::jsonb`,
  ],
])('a policy that is %s is none: timers and alerts of all go on', async (_, document) => {
  const { database, alerting, fall, notified } = await createFixture()
  await alerting.setPolicy({ ...QUIET, digest: { at: '23:00' } }, NIGHT)
  await database.query(`update alerting.notification_policy set document = ${document}`)
  await fall()
  await alerting.runTimers(NIGHT + DAY_MS)
  expect(await notified()).toEqual(expect.arrayContaining(BOTH))
})

test('a digest whose time cannot be read goes out a day after the last, and leaves those of others alone', async () => {
  const { database, alerting, spoil, fall } = await createFixture()
  await addEndpoint(database, 'https://example.com/digests', { eventTypes: ['alert.digest'] })
  await alerting.setPolicy({ digest: { at: '23:00' } }, NIGHT)
  await spoil('notification_policy', 'document', { digest: { at: '23:00', everyWeeks: 2 } })
  await fall()
  await alerting.runTimers(NIGHT + HOUR_MS)
  await alerting.runTimers(NIGHT + DAY_MS)
  expect((await alerting.bodies()).filter(({ type }) => type === 'alert.digest')).toHaveLength(1)
  const [row] = await database.query<{ next: number }>(
    'select next_digest_at as next from alerting.notification_policy',
  )
  expect(row?.next).toBe(NIGHT + HOUR_MS + DAY_MS)
})

test('a silence that cannot be read mutes nothing, the one beside it what it says', async () => {
  const { server, spoil, fall, notified, unreadable, alerting } = await createFixture()
  const endsAt = new Date(NIGHT + DAY_MS).toISOString()
  const silence = (matcher: object) => server.call('POST', '/v1/silences', { matcher, endsAt })
  expect(await silence({ accountId: 'acme' })).toMatchObject({ status: 201 })
  await spoil('silence', 'matcher')
  expect(await silence({ accountId: 'globex' })).toMatchObject({ status: 201 })
  await fall()
  await alerting.evaluate(accountChange({ accountId: 'globex', sequence: 1, score: 40, previousScore: 80, at: NIGHT }))
  expect(await notified()).toEqual(BOTH)
  expect(await alerting.alerts()).toContain('at_risk_entered globex 1 firing silenced')
  expect(await unreadable('silence')).toMatch(/ 1$/)
  const { status, body } = await server.call('GET', '/v1/silences')
  expect(status).toBe(200)
  expect(body.items).toMatchObject([
    { matcher: { accountId: 'globex' } },
    { problem: PROBLEM, document: { accountId: 'acme', memberOfANewerRelease: 1 } },
  ])
  expect(await server.call('DELETE', `/v1/silences/${body.items[1]!.id}`)).toMatchObject({ status: 204 })
})

test('of a filter that cannot be read the members that can still narrow; the rest lets everything pass', async () => {
  const { database, server, spoil, fall, notified, unreadable } = await createFixture()
  await addEndpoint(database, 'https://example.com/three', {
    filter: { accountId: 'globex' },
    eventTypes: ['alert.firing'],
  })
  await spoil('webhook_endpoint', 'filter', { memberOfANewerRelease: 1, severity: { atLeast: 'warning' } })
  await fall()
  expect(await notified()).toEqual(BOTH)
  expect(await unreadable('webhook_endpoint')).toMatch(/ 2$/)
  const { status, body } = await server.call('GET', '/v1/webhook-endpoints')
  expect(status).toBe(200)
  const stored = { memberOfANewerRelease: 1, severity: { atLeast: 'warning' } }
  expect(body.items).toMatchObject([
    { filter: {}, problem: PROBLEM, document: stored },
    { filter: { accountId: 'globex' }, problem: PROBLEM, document: { ...stored, accountId: 'globex' } },
  ])
  const path = `/v1/webhook-endpoints/${body.items[0]!.id}`
  const renamed = await server.call('PATCH', path, { description: 'renamed' })
  expect(renamed).toMatchObject({ status: 200, body: { problem: PROBLEM, document: stored } })
  const replaced = await server.call('PATCH', path, { filter: {} })
  expect(replaced.body).not.toHaveProperty('problem')
})

test.each(['null', '[]', '5', '{"traits": 5, "accountId": {"in": ["acme"]}}'])(
  'an endpoint whose filter is %s gets everything',
  async (filter) => {
    const { database, fall, notified } = await createFixture()
    await database.query(`update alerting.webhook_endpoint set filter = $1::jsonb where tenant_id = 'default'`, [
      filter,
    ])
    await fall()
    expect(await notified()).toEqual(BOTH)
  },
)
