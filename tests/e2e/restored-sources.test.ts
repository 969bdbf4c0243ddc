import { randomBytes } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { newApiKey } from '#libs/access/keys/api-key.ts'
import { sourceKey } from '#libs/contracts/topics.ts'
import { openTestBus } from '../support/bus/test-bus.ts'
import { eventually } from '../support/eventually.ts'
import { describeWithKafka } from '../support/kafka/kafka-suite.ts'
import { startPrivatePostgres } from '../support/postgres/private-postgres.ts'
import { spawnProcess } from '../support/processes/spawn-process.ts'
import { startWebhookReceiver } from '../support/webhooks/webhook-receiver.ts'

const READY = /"address":"([^"]+)"[^\n]*"msg":"ready"/
const LIMIT_MS = 120_000
const SECOND_IN_HOURS = 1 / 3_600

type SourceSilent = { readonly id: string; readonly source: string; readonly alertId: string; readonly body: string }

/** Alerting on a log and a database of its own, with a receiver of `source.silent`. */
const prepare = async (brokers: string) => {
  const postgres = await startPrivatePostgres()
  onTestFinished(postgres.stop)
  const receiver = await startWebhookReceiver()
  onTestFinished(receiver.stop)
  const topicPrefix = `sources-${randomBytes(4).toString('hex')}-`
  const { bus, close } = await openTestBus({ kind: 'kafka', brokers, topicPrefix })
  onTestFinished(close)
  const { key } = newApiKey('test')
  const environment = {
    PORT: '0',
    DATABASE_URL: postgres.connectionString,
    KAFKA_BROKERS: brokers,
    KAFKA_TOPIC_PREFIX: topicPrefix,
    PULSO_BOOTSTRAP_KEY: key,
    PULSO_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    PULSO_WEBHOOK_ALLOW: '127.0.0.1/32:*',
    PULSO_WEBHOOK_ALLOW_HTTP: 'true',
  }

  const start = async () => {
    const { child, ended, printed, output } = spawnProcess('services/alerting/main.ts', environment)
    const stop = async (): Promise<void> => {
      child.kill('SIGTERM')
      await ended
    }
    onTestFinished(stop)
    const [, address] = await printed(READY)
    return {
      stop,
      output,
      register: async (): Promise<void> => {
        const { status } = await fetch(`${address}/v1/webhook-endpoints`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          body: JSON.stringify({ url: receiver.url, eventTypes: ['source.silent'] }),
        })
        expect(status).toBe(201)
      },
      /** The counts of a metric about `source.activity`, added up. */
      count: async (metric: string): Promise<number> => {
        const text = await (await fetch(`${address}/metrics`)).text()
        const counts = text.matchAll(new RegExp(`^${metric}\\{[^}]*source\\.activity[^}]*\\} (\\d+)`, 'gm'))
        return [...counts].reduce((sum, [, n]) => sum + Number(n), 0)
      },
    }
  }

  return {
    postgres,
    start,
    report: (source: string, expectedSeconds: number): Promise<void> => {
      const heardAt = new Date().toISOString()
      const message = { tenantId: 'default', source, heardAt, expectedIntervalHours: expectedSeconds * SECOND_IN_HOURS }
      const record = { key: sourceKey('default', source), value: Buffer.from(JSON.stringify(message)) }
      return bus.publish('source.activity', [record])
    },
    received: (): readonly SourceSilent[] =>
      receiver.received.map(({ id, body }) => {
        const { source, alert } = JSON.parse(body).data
        return { id, source, alertId: alert.id, body }
      }),
  }
}

const expectOneBodyEach = (all: readonly SourceSilent[]): void => {
  const bodies = new Map(all.map(({ id, body }) => [id, body]))
  expect(all.filter(({ id, body }) => bodies.get(id) !== body)).toEqual([])
}

await describeWithKafka('alerts about sources, whose database goes back', (brokers) => {
  it('have other ids than those that were lost: what is due at the start, and what falls silent again', {
    timeout: LIMIT_MS,
  }, async () => {
    const { postgres, start, report, received } = await prepare(brokers)
    const first = await start()
    await first.register()
    await report('web', 3_600)
    await report('due', 20)
    await eventually(
      'both are known',
      async () => (await first.count('pulso_bus_consumed_records_total')) === 2,
      30_000,
    )
    await first.stop()
    const restore = await postgres.copy()

    const second = await start()
    await report('web', 1)
    await eventually('both are silent', () => received().length === 2, 60_000)
    await second.stop()
    const lost = received()
    expect(lost.map(({ source }) => source).toSorted()).toEqual(['due', 'web'])
    await restore()

    await report('web', 1)
    const third = await start()
    await eventually('both are silent again', () => received().length >= 4, 60_000)
    const after = received().slice(2)
    expect(after.map(({ source }) => source).toSorted()).toEqual(['due', 'web'])
    for (const { alertId } of after) expect(lost.map((one) => one.alertId)).not.toContain(alertId)
    expectOneBodyEach(received())
    expect(third.output()).toContain('database is behind the log: records are read again')
    expect(await third.count('pulso_bus_rewinds_total')).toBeGreaterThan(0)
  })

  it('have other ids under a process that stays up', { timeout: LIMIT_MS }, async () => {
    const { postgres, start, report, received } = await prepare(brokers)
    const alerting = await start()
    await alerting.register()
    await report('web', 3_600)
    const consumed = (): Promise<number> => alerting.count('pulso_bus_consumed_records_total')
    await eventually('it is known', async () => (await consumed()) === 1, 30_000)

    const promote = await postgres.copy()
    await report('web', 1)
    await eventually('it is silent', () => received().length === 1, 60_000)
    await promote()
    await report('web', 1)
    await eventually('it is silent again', () => received().length >= 2, 60_000)
    expect(new Set(received().map(({ alertId }) => alertId)).size).toBe(received().length)
    expectOneBodyEach(received())
    await eventually('the rewind is counted', async () => (await alerting.count('pulso_bus_rewinds_total')) > 0, 30_000)
  })
})
