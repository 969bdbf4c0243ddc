import { randomBytes } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { newApiKey } from '#libs/access/keys/api-key.ts'
import { eventually } from '../support/eventually.ts'
import { describeWithKafka } from '../support/kafka/kafka-suite.ts'
import { startPrivatePostgres } from '../support/postgres/private-postgres.ts'
import { FIVE_ACCOUNTS, fiveAccounts } from '../support/processes/five-accounts.ts'
import { spawnProcess } from '../support/processes/spawn-process.ts'
import { startWebhookReceiver } from '../support/webhooks/webhook-receiver.ts'

const READY = /"address":"([^"]+)"[^\n]*"msg":"ready"/
/** Two stand-ins for one database, each started twice. */
const LIMIT_MS = 180_000

/** Three services in processes of their own, on Kafka and the database. */
const start = async (environment: Readonly<Record<string, string>>) => {
  const { key } = newApiKey('test')
  const processes = ['ingest', 'scoring', 'alerting'].map((name) =>
    spawnProcess(`services/${name}/main.ts`, { PORT: '0', PULSO_BOOTSTRAP_KEY: key, ...environment }),
  )
  onTestFinished(async () => {
    for (const { child, ended } of processes) {
      child.kill('SIGKILL')
      await ended
    }
  })
  const addresses = await Promise.all(processes.map(async ({ printed }) => (await printed(READY))[1]!))
  const [ingest, scoring, alerting] = addresses as [string, string, string]
  const { post, ...accounts } = fiveAccounts({ ingest, scoring }, key)
  return {
    ...accounts,
    processes,
    register: (url: string) =>
      post(`${alerting}/v1/webhook-endpoints`, { url, eventTypes: ['health.changed', 'alert.firing'] }),
    rewinds: async (address: 1 | 2): Promise<number> => {
      const text = await (await fetch(`${addresses[address]}/metrics`)).text()
      return [...text.matchAll(/^pulso_bus_rewinds_total\{[^}]*\} (\d+)/gm)].reduce((sum, [, n]) => sum + Number(n), 0)
    },
  }
}

await describeWithKafka('a standby without the last seconds that takes the place of the database', (brokers) => {
  it('gets from the log what it lacks, while the processes stay up, and no number names two changes', {
    timeout: LIMIT_MS,
  }, async () => {
    const postgres = await startPrivatePostgres()
    onTestFinished(postgres.stop)
    const receiver = await startWebhookReceiver()
    onTestFinished(receiver.stop)
    const pulso = await start({
      DATABASE_URL: postgres.connectionString,
      KAFKA_BROKERS: brokers,
      KAFKA_TOPIC_PREFIX: `standby-${randomBytes(4).toString('hex')}-`,
      PULSO_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      PULSO_WEBHOOK_ALLOW: '127.0.0.1/32:*',
      PULSO_WEBHOOK_ALLOW_HTTP: 'true',
    })
    expect((await pulso.register(receiver.url)).status).toBe(201)
    const sent = [...(await pulso.send(30))]
    await eventually('the first are counted', async () => (await pulso.counted()).length === 30, 30_000)

    const promoteFirst = await postgres.copy()
    sent.push(...(await pulso.send(95)), ...(await pulso.send(5, 'Payment Failed')))
    await eventually('the last seconds are counted', async () => (await pulso.counted()).length === 130, 30_000)
    const alerts = (): number => receiver.received.filter(({ body }) => body.includes('"payment_failed"')).length
    await eventually('their webhooks came', () => alerts() >= FIVE_ACCOUNTS.length, 30_000)
    const sequences = await pulso.sequences()
    const bodies = new Map(receiver.received.map(({ id, body }) => [id, body]))
    await promoteFirst()

    // No event comes that would show what the database lacks.
    await eventually('all are counted again', async () => (await pulso.counted()).length >= sent.length, 60_000)
    expect(await pulso.counted()).toEqual(sent.toSorted())
    await eventually('alerting has noticed too', async () => (await pulso.rewinds(2)) > 0, 30_000)
    for (const [i, sequence] of (await pulso.sequences()).entries()) expect(sequence).toBeGreaterThan(sequences[i]!)

    const promoteSecond = await postgres.copy()
    sent.push(...(await pulso.send(50)))
    await eventually('they are counted', async () => (await pulso.counted()).length === sent.length, 30_000)
    const rewinds = await pulso.rewinds(1)
    await promoteSecond()
    // The next flush, too, writes nothing into a database that is behind.
    sent.push(...(await pulso.send(30)))
    await eventually('all are counted again', async () => (await pulso.counted()).length >= sent.length, 60_000)
    expect(await pulso.counted()).toEqual(sent.toSorted())
    expect(await pulso.rewinds(1)).toBeGreaterThan(rewinds)

    await eventually('webhooks go on', () => receiver.received.some(({ id }) => !bodies.has(id)), 30_000)
    for (const { id, body } of receiver.received) {
      expect([id, body]).toEqual([id, bodies.get(id) ?? body])
      bodies.set(id, body)
    }
    for (const { output, child } of pulso.processes) {
      expect(output()).not.toContain('record dead-lettered')
      expect(child.exitCode).toBeNull()
    }
  })
})
