import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '#libs/runtime/clock.ts'
import { type AlertingServer, createAlertingServer } from '../../../tests/support/alerting/alerting-server.ts'
import { addEndpoint, enqueueAll, notificationOf, testUrls } from '../../../tests/support/webhooks/deliveries.ts'
import { deliverySuite } from '../../../tests/support/webhooks/delivery-suite.ts'
import { HOSTILE_NAMES, HOSTILE_URLS } from '../../../tests/support/webhooks/hostile-urls.ts'
import { findEndpoint } from '../endpoints/endpoint-store.ts'

const { db, receiver, deliverer, states, once } = deliverySuite()
let server: AlertingServer
beforeAll(async () => {
  server = await createAlertingServer(db(), systemClock)
})
afterAll(() => server.app.close())

const URL = 'https://hooks.example.com/pulso'
const SHOWN = 'https://hooks.example.com/…'
const create = async (settings: object = {}): Promise<{ id: string; secret: string }> => {
  const { status, body } = await server.call('POST', '/v1/webhook-endpoints', { url: URL, eventTypes: [], ...settings })
  expect(status).toBe(201)
  return body as unknown as { id: string; secret: string }
}
const auditOf = async (subject: string): Promise<string[]> =>
  (
    await db().query<{ action: string }>('select action from access.audit where subject = $1 order by id', [subject])
  ).map((row) => row.action)

test('the secret is shown when an endpoint is created, and in no later answer and no audit row', async () => {
  const { id, secret } = await create({ description: 'On-call', filter: { severity: 'critical' } })
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
  const shown = await server.call('GET', `/v1/webhook-endpoints/${id}`)
  expect(shown.body).toMatchObject({ id, url: SHOWN, state: 'enabled', filter: { severity: 'critical' } })
  const list = await server.call('GET', '/v1/webhook-endpoints')
  const audit = await db().query('select * from access.audit')
  expect(JSON.stringify([shown, list, audit])).not.toContain(secret.slice(6))
})

test('the path and the query of a URL, a secret of the receiver, are in no answer and no audit row', async () => {
  const secretUrl = 'https://hooks.example.com/services/T0CANARY/B0CANARY?token=canary-Xy9'
  const shown = 'https://hooks.example.com/…Xy9'
  const { status, body } = await server.call('POST', '/v1/webhook-endpoints', { url: secretUrl })
  expect([status, body.url]).toEqual([201, shown])
  const path = `/v1/webhook-endpoints/${body.id}`
  const stored = async () => {
    const endpoint = await findEndpoint(db(), 'default', body.id)
    return { url: testUrls.open(endpoint!, body.id) }
  }
  const writtenBack = await server.call('PATCH', path, { url: shown, description: 'Slack' })
  expect(writtenBack.body).toMatchObject({ url: shown, description: 'Slack' })
  expect(await stored()).toEqual({ url: secretUrl })
  const next = `${secretUrl}-Zz7`
  const changed = await server.call('PATCH', path, { url: next })
  expect([changed.body.url, await stored()]).toEqual(['https://hooks.example.com/…Zz7', { url: next }])
  const refused = await server.call('PATCH', path, { url: shown })
  expect([refused.status, refused.body.errors[0]]).toMatchObject([422, { pointer: '/url', code: 'hidden_path' }])
  const answers = [
    body,
    writtenBack,
    changed,
    await server.call('GET', path),
    await server.call('GET', '/v1/webhook-endpoints'),
  ]
  const audit = await db().query('select * from access.audit where subject = $1', [body.id])
  expect(audit).toHaveLength(3)
  expect(JSON.stringify([answers, audit])).not.toMatch(/canary/i)
})

test('rows that the audit log has from before lose the paths of their URLs', async () => {
  const urls = [
    'https://a.test/services/T0/canary-Xy9',
    'https://a.test:8443?t=1',
    'https://a.test',
    'https://a.test/…',
  ]
  for (const url of urls)
    await db().query(
      `insert into access.audit (tenant_id, key_id, actor, action, subject, detail)
       values ('default', 'k', 'k', 'webhook_endpoint.created', 'former', jsonb_build_object('url', $1::text))`,
      [url],
    )
  const migration = new globalThis.URL('../migrations/012_hidden_urls.sql', import.meta.url)
  await db().query(await readFile(migration, 'utf8'))
  const rows = await db().query<{ url: string }>(
    "select detail ->> 'url' as url from access.audit where subject = 'former' order by id",
  )
  expect(rows.map(({ url }) => url)).toEqual([
    'https://a.test/…Xy9',
    'https://a.test:8443/…',
    'https://a.test/',
    'https://a.test/…',
  ])
})

test('endpoints are listed in pages, changed in part, disabled, enabled and deleted, each with its audit row', async () => {
  const ids = [(await create()).id, (await create()).id, (await create()).id]
  const first = await server.call('GET', '/v1/webhook-endpoints?limit=2')
  expect(first.body.items.map((item) => item.id)).toEqual(ids.slice(0, 2))
  const rest = await server.call('GET', `/v1/webhook-endpoints?limit=2&cursor=${first.body.nextCursor}`)
  expect(rest.body.items.map((item) => item.id)).toEqual(ids.slice(2))
  const path = `/v1/webhook-endpoints/${ids[0]}`
  const changed = await server.call('PATCH', path, { eventTypes: ['alert.firing'], state: 'disabled' })
  expect(changed.body).toMatchObject({
    url: SHOWN,
    eventTypes: ['alert.firing'],
    state: 'disabled',
    stateReason: 'by_request',
  })
  expect((await server.call('POST', `${path}/test`)).status).toBe(409)
  expect((await server.call('POST', `${path}/enable`)).body).toMatchObject({ state: 'enabled', stateReason: null })
  expect((await server.call('DELETE', path)).status).toBe(204)
  expect((await server.call('GET', path)).status).toBe(404)
  expect(await auditOf(ids[0]!)).toEqual(
    ['created', 'changed', 'enabled', 'deleted'].map((action) => `webhook_endpoint.${action}`),
  )
})

test('a URL that may not be called is refused at creation and at change, with a pointer', async () => {
  const { id } = await create()
  // What a name leads to is known only when it is called.
  const names = new Set(Object.keys(HOSTILE_NAMES))
  for (const url of HOSTILE_URLS.filter(
    (hostile) => ![...names].some((name) => hostile.toLowerCase().includes(name)),
  )) {
    const created = await server.call('POST', '/v1/webhook-endpoints', { url, eventTypes: [] })
    expect([url, created.status, created.body.errors?.[0]?.pointer]).toEqual([url, 422, '/url'])
  }
  const changed = await server.call('PATCH', `/v1/webhook-endpoints/${id}`, { url: 'https://169.254.169.254/' })
  expect([changed.status, changed.body.errors[0]!.pointer]).toEqual([422, '/url'])
  expect((await server.call('GET', '/v1/webhook-endpoints')).body.items).toHaveLength(1)
})

test.each([
  [{ url: URL, eventTypes: ['alert.fired'] }, '/eventTypes/0'],
  [{ url: URL, filter: { severity: 'huge' } }, '/filter/severity'],
  [{ url: URL, filter: { colour: 'red' } }, '/filter'],
  [{ url: URL, secret: 'whsec_mine' }, ''],
  [{ eventTypes: [] }, '/url'],
  [{ url: URL, maxPerSecond: 0 }, '/maxPerSecond'],
])('%j is refused with a pointer', async (body, pointer) => {
  const answer = await server.call('POST', '/v1/webhook-endpoints', body)
  expect(answer.status).toBe(422)
  expect(answer.body.errors[0]!.pointer.startsWith(pointer)).toBe(true)
})

test("another tenant's endpoints and deliveries do not exist, and a reader changes nothing", async () => {
  const { endpointId } = await addEndpoint(db(), URL)
  await enqueueAll(db(), [notificationOf('mine')])
  const [delivery] = await db().query<{ id: string }>('select delivery_id as id from alerting.delivery')
  const routes: ['GET' | 'POST' | 'PATCH' | 'DELETE', string, object?][] = [
    ['GET', `/v1/webhook-endpoints/${endpointId}`],
    ['GET', `/v1/webhook-endpoints/${endpointId}/deliveries`],
    ['GET', `/v1/deliveries/${delivery!.id}`],
    ['PATCH', `/v1/webhook-endpoints/${endpointId}`, { description: 'x' }],
    ['DELETE', `/v1/webhook-endpoints/${endpointId}`],
    ['POST', `/v1/webhook-endpoints/${endpointId}/test`],
    ['POST', `/v1/webhook-endpoints/${endpointId}/enable`],
    ['POST', `/v1/webhook-endpoints/${endpointId}/rotate-secret`],
    [
      'POST',
      `/v1/webhook-endpoints/${endpointId}/replay`,
      { from: '2020-01-01T00:00:00Z', to: '2030-01-01T00:00:00Z' },
    ],
    ['POST', `/v1/deliveries/${delivery!.id}/replay`],
  ]
  for (const [method, path, body] of routes) {
    expect([path, (await server.call(method, path, body, 'rival')).status]).toEqual([path, 404])
    if (method !== 'GET')
      expect([path, (await server.call(method, path, body, 'default-reader')).status]).toEqual([path, 403])
  }
  expect((await server.call('GET', '/v1/webhook-endpoints', undefined, 'rival')).body.items).toEqual([])
  expect(await states()).toEqual({ pending: 1 })
})

test('a test send, its delivery and its replay go through the same log', async () => {
  const hook = await receiver(() => ({ status: 200, body: 'ok' }))
  const { endpointId, secret } = await addEndpoint(db(), hook.url, { eventTypes: ['alert.firing'] })
  hook.setSecret(secret)
  await deliverer()
  const sent = await server.call('POST', `/v1/webhook-endpoints/${endpointId}/test`)
  expect(sent.status).toBe(202)
  const path = `/v1/deliveries/${sent.body.deliveryId}`
  await once(async () => expect((await server.call('GET', path)).body.status).toBe('delivered'))
  expect(hook.received[0]).toMatchObject({ id: sent.body.deliveryId, verified: true })
  expect((await server.call('GET', path)).body).toMatchObject({ type: 'webhook.test', body: hook.received[0]!.body })
  expect((await server.call('POST', `${path}/replay`)).status).toBe(202)
  await once(async () => expect((await server.call('GET', path)).body.attemptCount).toBe(2))
  const log = await server.call('GET', `/v1/webhook-endpoints/${endpointId}/deliveries?status=delivered`)
  expect(log.body.items.map((item) => item.id)).toEqual([sent.body.deliveryId])
  const none = await server.call('GET', `/v1/webhook-endpoints/${endpointId}/deliveries?status=exhausted`)
  expect(none.body.items).toEqual([])
})

test('a rotated secret signs beside the former one', async () => {
  const hook = await receiver()
  const { endpointId, secret } = await addEndpoint(db(), hook.url)
  const rotated = await server.call('POST', `/v1/webhook-endpoints/${endpointId}/rotate-secret`, { overlapHours: 1 })
  await deliverer()
  for (const holder of [secret, String(rotated.body.secret)]) {
    hook.setSecret(holder)
    await server.call('POST', `/v1/webhook-endpoints/${endpointId}/test`)
    await once(() => expect(hook.received.at(-1)?.verified).toBe(true))
    hook.received.length = 0
  }
  hook.setSecret(secret)
  await server.call('POST', `/v1/webhook-endpoints/${endpointId}/rotate-secret`, { overlapHours: 0 })
  await server.call('POST', `/v1/webhook-endpoints/${endpointId}/test`)
  await once(() => expect(hook.received[0]?.verified).toBe(false))
})

test('a range is replayed by its status, and the log is paged newest first', async () => {
  const { endpointId } = await addEndpoint(db(), URL)
  const at = Date.parse('2026-11-22T10:00:00.000Z')
  await enqueueAll(
    db(),
    Array.from({ length: 5 }, (_, index) => notificationOf(index, { at: at + index * 1_000 })),
  )
  await db().query("update alerting.delivery set state = 'exhausted', tries = 10, finished_at = created_at")
  await db().query("update alerting.delivery set state = 'delivered' where created_at = to_timestamp($1)", [
    at / 1_000 + 1,
  ])
  const path = `/v1/webhook-endpoints/${endpointId}`
  const seen: unknown[] = []
  for (let cursor = ''; ; ) {
    const { body } = await server.call('GET', `${path}/deliveries?limit=2${cursor}`)
    seen.push(...body.items.map((item) => item.createdAt))
    if (body.nextCursor === null) break
    cursor = `&cursor=${body.nextCursor}`
  }
  expect(seen).toEqual([4, 3, 2, 1, 0].map((index) => new Date(at + index * 1_000).toISOString()))
  const range = { from: '2026-11-22T10:00:00Z', to: '2026-11-22T10:00:03Z' }
  const replay = await server.call('POST', `${path}/replay`, { ...range, status: 'exhausted' })
  expect(replay).toMatchObject({ status: 202, body: { replayed: 2, nextFrom: null } })
  expect(await states()).toEqual({ pending: 2, exhausted: 2, delivered: 1 })
  expect((await server.call('POST', `${path}/replay`, { from: range.to, to: range.from })).status).toBe(422)
})

test('a range of more than one call can replay goes on where the last call ended', async () => {
  const { endpointId } = await addEndpoint(db(), URL)
  const from = '2026-11-22T10:00:00.000Z'
  await enqueueAll(db(), [notificationOf('first', { at: Date.parse(from) })])
  await db().query(
    `insert into alerting.delivery (delivery_id, tenant_id, endpoint_id, message_id, type, state, next_attempt_at, created_at)
     select gen_random_uuid(), tenant_id, endpoint_id, message_id, type, 'delivered', created_at, created_at + n * interval '1 second'
       from alerting.delivery cross join generate_series(1, 10500) n`,
  )
  const replay = async (start: string) => {
    const path = `/v1/webhook-endpoints/${endpointId}/replay`
    const { body } = await server.call('POST', path, { from: start, to: '2026-11-23T00:00:00Z', status: 'delivered' })
    await db().query("update alerting.delivery set state = 'delivered' where state = 'pending'")
    return body
  }
  const first = await replay(from)
  expect(first).toEqual({ replayed: 10_000, nextFrom: '2026-11-22T12:46:40.000Z' })
  // The one at the seam is sent again rather than lost.
  expect(await replay(String(first.nextFrom))).toEqual({ replayed: 501, nextFrom: null })
})
