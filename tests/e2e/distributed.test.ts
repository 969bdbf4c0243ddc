import { randomBytes } from 'node:crypto'
import { afterAll, expect, it } from 'vitest'
import { newApiKey } from '#libs/access/keys/api-key.ts'
import { eventually } from '../support/eventually.ts'
import { describeWithKafka } from '../support/kafka/kafka-suite.ts'
import { createTestDatabase } from '../support/postgres/postgres.ts'
import { type SpawnedProcess, spawnProcess } from '../support/processes/spawn-process.ts'
import { startWebhookReceiver } from '../support/webhooks/webhook-receiver.ts'

type Service = { readonly spawned: SpawnedProcess; readonly address: string }

await describeWithKafka('three services on Kafka, each in a process of its own', (brokers) => {
  const stops: (() => Promise<unknown>)[] = []
  afterAll(async () => {
    for (const stop of stops.reverse()) await stop()
  })

  it('carry one event from the door to a signed webhook, and each drains within 25 s of SIGTERM', async () => {
    const { connectionString, drop } = await createTestDatabase()
    const receiver = await startWebhookReceiver()
    stops.push(drop, receiver.stop)
    const { key } = newApiKey('test')
    const environment = {
      PORT: '0',
      DATABASE_URL: connectionString,
      KAFKA_BROKERS: brokers,
      KAFKA_TOPIC_PREFIX: `three-${randomBytes(4).toString('hex')}-`,
      PULSO_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      PULSO_BOOTSTRAP_KEY: key,
      PULSO_WEBHOOK_ALLOW: '127.0.0.1/32:*',
      PULSO_WEBHOOK_ALLOW_HTTP: 'true',
    }
    const start = async (name: string): Promise<Service> => {
      const spawned = spawnProcess(`services/${name}/main.ts`, environment)
      stops.push(async () => {
        spawned.child.kill('SIGKILL')
        await spawned.ended
      })
      const [, address] = await spawned.printed(/"address":"([^"]+)"[^\n]*"msg":"ready"/)
      return { spawned, address: address! }
    }
    // All at once: whoever comes first makes the tables and the topics.
    const [ingest, scoring, alerting] = await Promise.all([start('ingest'), start('scoring'), start('alerting')])
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const post = async (url: string, body: object) => {
      const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
    }

    const endpoint = await post(`${alerting.address}/v1/webhook-endpoints`, {
      url: receiver.url,
      eventTypes: ['alert.firing'],
    })
    expect(endpoint.status).toBe(201)
    receiver.setSecret(String(endpoint.body.secret))
    const failed = { id: 'e-1', type: 'Payment Failed', accountId: 'acme', occurredAt: new Date().toISOString() }
    expect(await post(`${ingest.address}/v1/events`, failed)).toMatchObject({ status: 202, body: { accepted: 1 } })

    await eventually('the alert is delivered', () => receiver.received.length > 0, 30_000)
    const [delivered] = receiver.received
    expect(delivered!.verified).toBe(true)
    expect(JSON.parse(delivered!.body)).toMatchObject({
      type: 'alert.firing',
      data: { tenantId: 'default', accountId: 'acme', alert: { ruleId: 'payment_failed' } },
    })
    const account = await fetch(`${scoring.address}/v1/accounts/acme/health`, { headers })
    expect([account.status, await account.json()]).toMatchObject([200, { accountId: 'acme' }])

    const all = [ingest, scoring, alerting]
    const askedAt = performance.now()
    for (const { spawned } of all) spawned.child.kill('SIGTERM')
    expect(await Promise.all(all.map(({ spawned }) => spawned.ended))).toEqual([0, 0, 0])
    expect(performance.now() - askedAt).toBeLessThan(25_000)
    for (const { spawned } of all) expect(spawned.output()).not.toContain(key)
  })
})
