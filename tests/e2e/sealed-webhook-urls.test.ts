import { randomBytes } from 'node:crypto'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Database } from '#libs/postgres/database.ts'
import { newId } from '#libs/runtime/ids.ts'
import { findTexts } from '../support/find-text.ts'
import { type AlertingProcess, alertingProcesses } from '../support/webhooks/alerting-processes.ts'
import { type Reply, startWebhookReceiver, type WebhookReceiver } from '../support/webhooks/webhook-receiver.ts'

const ENDPOINTS = '/v1/webhook-endpoints'
const FORMER_KEY = Buffer.alloc(32, 7)
const once = (assertion: () => unknown) => vi.waitFor(assertion, { timeout: 20_000, interval: 50 })

const receiver = async (reply?: (path: string) => Reply): Promise<WebhookReceiver & { readonly origin: string }> => {
  const hook = await startWebhookReceiver(reply && (({ path = '' }) => reply(path)))
  onTestFinished(hook.stop)
  return { ...hook, origin: new URL(hook.url).origin }
}

/** As the code before seals were known adds an endpoint. */
const addFormerEndpoint = async (database: Database, url: string): Promise<string> => {
  const endpointId = newId()
  await database.query(
    `insert into alerting.webhook_endpoint
       (tenant_id, endpoint_id, kind, url, event_types, filter, state, state_at, created_at, origin)
     values ('default', $1, 'slack', $2, '{alert.firing}', '{}', 'enabled', now(), now(), $3)`,
    [endpointId, url, new URL(url).origin],
  )
  return endpointId
}

const storedUrl = async (database: Database, endpointId: string): Promise<{ url: string; sealed: boolean }> =>
  (
    await database.query<{ url: string; sealed: boolean }>(
      `select url, url_sealed is not null as sealed from alerting.webhook_endpoint where endpoint_id = $1`,
      [endpointId],
    )
  )[0]!

const attemptsOf = async ({ call }: Pick<AlertingProcess, 'call'>, deliveryId: string) =>
  (await call('GET', `/v1/deliveries/${deliveryId}`)).body

test('path and query of a URL are nowhere in the database: not as it is made, changed, called, refused, repeated', async () => {
  const { database, start, fire } = await alertingProcesses()
  const { call } = await start()
  // Many receivers quote the path in their error page.
  const hook = await receiver((path) =>
    path.includes('/fails/') ? { status: 404, body: `<pre>Cannot POST ${path}</pre>` } : { status: 200, body: path },
  )
  const canary = `${hook.origin}/services/T0CANARYPATH/in?token=canary-query-Xy9`
  const body = { url: canary, kind: 'slack', eventTypes: ['alert.firing'] }
  const made = await call('POST', ENDPOINTS, body, 'made-once')
  expect(made).toMatchObject({ status: 201, body: { url: `${hook.origin}/…Xy9` } })
  expect(made.body).not.toHaveProperty('problem')
  expect(await call('POST', ENDPOINTS, body, 'made-once')).toEqual(made)
  await fire('acme')
  await once(() =>
    expect(hook.received.map(({ path }) => path)).toEqual(['/services/T0CANARYPATH/in?token=canary-query-Xy9']),
  )
  const path = `${ENDPOINTS}/${made.body.id}`
  const changed = await call('PATCH', path, { url: canary.replace('/in?', '/fails/in?') })
  expect(changed.status).toBe(200)
  const { deliveryId } = (await call('POST', `${path}/test`)).body
  await once(async () => expect((await attemptsOf({ call }, deliveryId)).attemptCount).toBeGreaterThan(1))
  const [refused] = (await attemptsOf({ call }, deliveryId)).attempts as { answer: string }[]
  expect(refused!.answer).toBe('<pre>Cannot POST …</pre>')
  expect((await call('PATCH', path, { description: 'Slack', url: changed.body.url })).status).toBe(200)
  expect((await call('DELETE', path)).status).toBe(204)
  expect(await findTexts(database, ['T0CANARYPATH', 'canary-query'])).toEqual([])
  // What is searched is searched well: the host is not hidden.
  expect(await findTexts(database, [hook.origin])).toEqual(['access.audit', 'alerting.webhook_endpoint'])
})

test('URLs of before are sealed after a start, and are called as before', async () => {
  const { database, start, fire } = await alertingProcesses()
  const hook = await receiver()
  const endpointId = await addFormerEndpoint(database, `${hook.origin}/former-canary/in?k=canary-query`)
  expect(await findTexts(database, ['canary'])).toEqual(['alerting.webhook_endpoint'])
  const { call } = await start()
  await once(async () => expect((await storedUrl(database, endpointId)).sealed).toBe(true))
  expect(await findTexts(database, ['canary'])).toEqual([])
  expect((await call('GET', `${ENDPOINTS}/${endpointId}`)).body).toMatchObject({
    url: `${hook.origin}/…ery`,
    state: 'enabled',
  })
  await fire('acme')
  await once(() => expect(hook.received).toMatchObject([{ path: '/former-canary/in?k=canary-query' }]))
})

test('a rotation of the encryption key seals URLs anew; without the key an endpoint says so and its deliveries wait', async () => {
  const { database, start } = await alertingProcesses()
  const hook = await receiver()
  const first = await start()
  const url = `${hook.origin}/rotated/in`
  const [rotated, lost] = [await first.call('POST', ENDPOINTS, { url }), await first.call('POST', ENDPOINTS, { url })]
  await first.stop()
  const sealedOf = async (id: string) =>
    (
      await database.query<{ sealed: Buffer }>(
        'select url_sealed as sealed from alerting.webhook_endpoint where endpoint_id = $1',
        [id],
      )
    )[0]!.sealed
  const former = await sealedOf(lost.body.id)
  const current = randomBytes(32)
  const second = await start({}, { encryptionKey: current, formerEncryptionKeys: [FORMER_KEY] })
  for (const { body } of [rotated, lost])
    await once(async () => expect((await sealedOf(body.id)).subarray(0, 4)).not.toEqual(former.subarray(0, 4)))
  await second.stop()
  await database.query('update alerting.webhook_endpoint set url_sealed = $2 where endpoint_id = $1', [
    lost.body.id,
    former,
  ])

  const third = await start({}, { encryptionKey: current })
  await third.call('POST', `${ENDPOINTS}/${rotated.body.id}/test`)
  await once(() => expect(hook.received).toMatchObject([{ path: '/rotated/in' }]))
  const path = `${ENDPOINTS}/${lost.body.id}`
  expect((await third.call('GET', path)).body).toMatchObject({
    state: 'enabled',
    problem: { code: 'url_unreadable' },
    url: `${hook.origin}/…`,
  })
  const { deliveryId } = (await third.call('POST', `${path}/test`)).body
  await once(async () =>
    expect(await attemptsOf(third, deliveryId)).toMatchObject({
      status: 'pending',
      reason: 'url_unreadable',
      attempts: expect.arrayContaining([expect.objectContaining({ outcome: 'url_unreadable' })]),
    }),
  )
  // It was not called: nothing counts towards the days after which an endpoint is disabled.
  expect((await third.call('GET', path)).body).toMatchObject({ state: 'enabled', failingSince: null })
  expect((await third.call('PATCH', path, { url })).body).not.toHaveProperty('problem')
  await once(async () => expect((await attemptsOf(third, deliveryId)).status).toBe('delivered'))
  expect(hook.received).toHaveLength(2)
})

test('with PULSO_WEBHOOK_SEAL_URLS=false URLs are plain again, as code from before can call them', async () => {
  const { database, start } = await alertingProcesses()
  const first = await start()
  const url = 'http://127.0.0.1:1/to/roll-back'
  const { body } = await first.call('POST', ENDPOINTS, { url })
  expect(await storedUrl(database, body.id)).toEqual({ url: 'http://sealed@127.0.0.1:1/…ack', sealed: true })
  await first.stop()
  const second = await start({ PULSO_WEBHOOK_SEAL_URLS: 'false' })
  await once(async () => expect(await storedUrl(database, body.id)).toEqual({ url, sealed: false }))
  const plain = await second.call('POST', ENDPOINTS, { url })
  expect(await storedUrl(database, plain.body.id)).toEqual({ url, sealed: false })
  expect(plain.body.url).toBe('http://127.0.0.1:1/…ack')
  await second.stop()
  // The code before changes a URL that was sealed: its text is the newer one.
  const third = await start()
  await once(async () => expect((await storedUrl(database, body.id)).sealed).toBe(true))
  await third.stop()
  await database.query('update alerting.webhook_endpoint set url = $2 where endpoint_id = $1', [
    body.id,
    `${url}-again`,
  ])
  const fourth = await start()
  await once(async () => expect((await storedUrl(database, body.id)).url).toBe('http://sealed@127.0.0.1:1/…ain'))
  expect((await fourth.call('GET', `${ENDPOINTS}/${body.id}`)).body.url).toBe('http://127.0.0.1:1/…ain')
})
