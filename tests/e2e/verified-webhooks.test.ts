import { expect, onTestFinished, test, vi } from 'vitest'
import type { Database } from '#libs/postgres/database.ts'
import { type AlertingProcess, alertingProcesses } from '../support/webhooks/alerting-processes.ts'
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhooks/webhook-receiver.ts'

const ENDPOINTS = '/v1/webhook-endpoints'
const VERIFY = { PULSO_WEBHOOK_VERIFY: 'true' }
const once = (assertion: () => unknown) => vi.waitFor(assertion, { timeout: 20_000, interval: 50 })

const receiver = async (statusOf: () => number = () => 200): Promise<WebhookReceiver> => {
  const hook = await startWebhookReceiver(() => ({ status: statusOf() }))
  onTestFinished(hook.stop)
  return hook
}
const typesAt = ({ received }: WebhookReceiver): string[] => received.map(({ body }) => JSON.parse(body).type)
const stateOf = async ({ call }: AlertingProcess, id: string) => (await call('GET', `${ENDPOINTS}/${id}`)).body.state
const alertsOf = async (database: Database, accountId: string): Promise<number> =>
  (await database.query('select from alerting.alert where account_id = $1', [accountId])).length
const deliveriesOf = async ({ call }: AlertingProcess, id: string, status = 'pending') =>
  (await call('GET', `${ENDPOINTS}/${id}/deliveries?status=${status}`)).body.items.map(({ type }) => type)

test('an unverified endpoint gets signed tests only, until one is answered 2xx: then what happens from then on', async () => {
  const { database, start, fire } = await alertingProcesses()
  const pulso = await start(VERIFY)
  let status = 500
  const hook = await receiver(() => status)
  const made = await pulso.call('POST', ENDPOINTS, { url: hook.url, eventTypes: ['alert.firing'] })
  expect(made).toMatchObject({ status: 201, body: { state: 'unverified' } })
  const { id } = made.body
  hook.setSecret(String(made.body.secret))
  await once(() => expect(hook.received.length).toBeGreaterThan(0))
  await fire('early')
  await once(async () => expect(await alertsOf(database, 'early')).toBeGreaterThan(0))
  expect(await pulso.call('POST', `${ENDPOINTS}/${id}/test`)).toMatchObject({ status: 202 })
  const range = { from: '2020-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' }
  expect(await pulso.call('POST', `${ENDPOINTS}/${id}/replay`, range)).toMatchObject({
    status: 409,
    body: { code: 'endpoint_unverified' },
  })
  await once(() => expect(hook.received.length).toBeGreaterThan(2))
  expect(await stateOf(pulso, id)).toBe('unverified')
  status = 204
  await once(async () => expect(await stateOf(pulso, id)).toBe('enabled'))
  await fire('late')
  await once(() => expect(typesAt(hook)).toContain('alert.firing'))
  const alerts = hook.received.filter(({ body }) => JSON.parse(body).type !== 'webhook.test')
  expect(alerts.map(({ body }) => JSON.parse(body).data.accountId)).toEqual(['late'])
  expect(hook.received.every(({ verified }) => verified)).toBe(true)
  const audit = await database.query<{ action: string; actor: string }>(
    'select action, actor from access.audit where subject = $1 order by id',
    [id],
  )
  expect(audit).toEqual([
    { action: 'webhook_endpoint.created', actor: 'tester' },
    { action: 'webhook_endpoint.tested', actor: 'tester' },
    { action: 'webhook_endpoint.verified', actor: 'pulso' },
  ])
})

test('a changed URL waits for its own ping, with the deliveries that were due to the former one; other changes do not', async () => {
  const { start, fire } = await alertingProcesses()
  const pulso = await start(VERIFY)
  let busy = false
  const former = await receiver(() => (busy ? 500 : 200))
  let ready = false
  const next = await receiver(() => (ready ? 200 : 500))
  const { id } = (await pulso.call('POST', ENDPOINTS, { url: former.url, eventTypes: ['alert.firing'] })).body
  await once(async () => expect(await stateOf(pulso, id)).toBe('enabled'))
  for (const body of [{ description: 'On-call' }, { url: former.url }])
    expect((await pulso.call('PATCH', `${ENDPOINTS}/${id}`, body)).body.state).toBe('enabled')
  busy = true
  await fire('acme')
  await once(async () => expect(await deliveriesOf(pulso, id)).toEqual(['alert.firing']))
  await once(() => expect(typesAt(former)).toContain('alert.firing'))
  const changed = await pulso.call('PATCH', `${ENDPOINTS}/${id}`, { url: next.url })
  expect(changed.body.state).toBe('unverified')
  await once(() => expect(typesAt(next).length).toBeGreaterThan(2))
  expect(new Set(typesAt(next))).toEqual(new Set(['webhook.test']))
  expect(await deliveriesOf(pulso, id)).toContain('alert.firing')
  ready = true
  await once(async () => expect(await stateOf(pulso, id)).toBe('enabled'))
  await once(() => expect(typesAt(next)).toContain('alert.firing'))
})

test('endpoints that exist when the setting is switched on count as verified, and none waits once it is off', async () => {
  const { start, fire } = await alertingProcesses()
  const off = await start()
  const hook = await receiver()
  const made = await off.call('POST', ENDPOINTS, { url: hook.url, eventTypes: ['alert.firing'] })
  expect(made.body.state).toBe('enabled')
  await fire('before')
  await once(() => expect(typesAt(hook)).toEqual(['alert.firing']))
  await off.stop()

  const on = await start(VERIFY)
  expect(await stateOf(on, made.body.id)).toBe('enabled')
  await fire('after')
  await once(() => expect(typesAt(hook)).toEqual(['alert.firing', 'alert.firing']))
  const silent = await receiver(() => 500)
  const waiting = (await on.call('POST', ENDPOINTS, { url: silent.url })).body
  expect(waiting.state).toBe('unverified')
  await on.stop()

  const offAgain = await start()
  expect(await stateOf(offAgain, waiting.id)).toBe('enabled')
})

test('an unverified endpoint that was disabled gets another ping when it is enabled', async () => {
  const { start } = await alertingProcesses()
  const pulso = await start(VERIFY)
  let status = 410
  const hook = await receiver(() => status)
  const { id } = (await pulso.call('POST', ENDPOINTS, { url: hook.url })).body
  await once(async () => expect(await stateOf(pulso, id)).toBe('disabled'))
  expect((await pulso.call('POST', `${ENDPOINTS}/${id}/test`)).status).toBe(409)
  status = 200
  expect((await pulso.call('POST', `${ENDPOINTS}/${id}/enable`)).body.state).toBe('unverified')
  await once(async () => expect(await stateOf(pulso, id)).toBe('enabled'))
  expect(typesAt(hook)).toEqual(['webhook.test', 'webhook.test'])
})
