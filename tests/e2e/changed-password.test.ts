import { randomBytes } from 'node:crypto'
import kafkajs from 'kafkajs'
import { expect, it, onTestFinished } from 'vitest'
import { newApiKey } from '#libs/access/keys/api-key.ts'
import { withConnection } from '#libs/postgres/pg-database.ts'
import { eventually } from '../support/eventually.ts'
import { describeWithKafka } from '../support/kafka/kafka-suite.ts'
import { createTestDatabase } from '../support/postgres/postgres.ts'
import { spawnProcess } from '../support/processes/spawn-process.ts'

const { Kafka, logLevel } = kafkajs
const EVERY_MS = 25

/** A database whose owner has a password of its own, which can be changed under its connections. */
const createOwnedDatabase = async () => {
  const { connectionString, drop } = await createTestDatabase()
  const run = (statement: string) => withConnection(connectionString, (client) => client.query(statement))
  const role = `app_${randomBytes(6).toString('hex')}`
  const url = new URL(connectionString)
  await run(`create role ${role} login password 'first'`)
  await run(`alter database ${url.pathname.slice(1)} owner to ${role}`)
  onTestFinished(async () => {
    await drop()
    const server = new URL(connectionString)
    server.pathname = '/postgres'
    await withConnection(server.toString(), (client) => client.query(`drop role ${role}`))
  })
  url.username = role
  url.password = 'first'
  return {
    url: url.toString(),
    run,
    setPassword: async (password: string) => {
      await run(`alter role ${role} password '${password}'`)
      await run(`select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}'`)
    },
  }
}

await describeWithKafka('a password that is changed while events stream', (brokers) => {
  it('loses no accepted event and dead-letters none', async () => {
    const database = await createOwnedDatabase()
    const prefix = `password-${randomBytes(4).toString('hex')}-`
    const { key } = newApiKey('test')
    const spawned = spawnProcess('services/all/main.ts', {
      PORT: '0',
      DATABASE_URL: database.url,
      KAFKA_BROKERS: brokers,
      KAFKA_TOPIC_PREFIX: prefix,
      PULSO_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      PULSO_BOOTSTRAP_KEY: key,
    })
    onTestFinished(async () => {
      spawned.child.kill('SIGKILL')
      await spawned.ended
    })
    const [, address] = await spawned.printed(/"address":"([^"]+)"[^\n]*"msg":"ready"/)
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const accepted = new Set<string>()
    const send = async (id: string): Promise<void> => {
      const event = {
        id,
        type: 'Feature Used',
        accountId: `a-${accepted.size % 7}`,
        occurredAt: new Date().toISOString(),
      }
      const answer = await fetch(`${address}/v1/events`, { method: 'POST', headers, body: JSON.stringify(event) })
      if (answer.status === 202) accepted.add(id)
    }
    const startedAt = performance.now()
    let sending = true
    const sender = (async () => {
      for (let n = 0; sending; n++) {
        await send(`e-${n}`)
        await eventually('its turn has come', () => performance.now() >= startedAt + n * EVERY_MS)
      }
    })()
    const counted = async (): Promise<number> => {
      const { rows } = await database.run('select coalesce(sum(length(ids) / 8), 0)::int as n from scoring.account_log')
      return (rows[0] as { n: number }).n
    }
    await eventually('events are counted', async () => (await counted()) > 50, 30_000)

    await database.setPassword('other')
    await eventually(
      'the consumers wait',
      async () => {
        const ready = await fetch(`${address}/readyz`)
        const { checks } = (await ready.json()) as { checks: Record<string, string> }
        return ready.status === 503 && checks.consumers === 'down'
      },
      30_000,
    )
    const before = accepted.size
    await eventually('events are accepted meanwhile', () => accepted.size > before + 200, 30_000)
    const list = await fetch(`${address}/v1/accounts`, { headers })
    expect(list.status).toBe(503)
    expect(await (await fetch(`${address}/metrics`)).text()).toMatch(
      /pulso_bus_waiting_partitions\{[^}]*group="scoring"[^}]*\} [1-9]/,
    )

    await database.setPassword('first')
    sending = false
    await sender
    await eventually('all are counted', async () => (await counted()) === accepted.size, 60_000)
    const admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    onTestFinished(() => admin.disconnect())
    for (const topic of ['usage.events.dead', 'account.health.dead'])
      expect(await admin.fetchTopicOffsets(prefix + topic)).toMatchObject([{ high: '0' }])
    await eventually('it is ready again', async () => (await fetch(`${address}/readyz`)).ok, 30_000)
  })
})
