import { randomBytes } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { newApiKey } from '#libs/access/keys/api-key.ts'
import { describeWithKafka } from '../support/kafka/kafka-suite.ts'
import { startPrivatePostgres } from '../support/postgres/private-postgres.ts'
import { spawnProcess } from '../support/processes/spawn-process.ts'

await describeWithKafka('ingest while PostgreSQL is away', (brokers) => {
  it('stays ready and takes events, also with a key that it has never seen', async () => {
    const postgres = await startPrivatePostgres()
    onTestFinished(postgres.stop)
    const { key } = newApiKey('test')
    const door = spawnProcess('services/ingest/main.ts', {
      PORT: '0',
      DATABASE_URL: postgres.connectionString,
      KAFKA_BROKERS: brokers,
      KAFKA_TOPIC_PREFIX: `no-database-${randomBytes(4).toString('hex')}-`,
      PULSO_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      PULSO_BOOTSTRAP_KEY: key,
    })
    onTestFinished(async () => {
      door.child.kill('SIGKILL')
      await door.ended
    })
    const [, address] = await door.printed(/"address":"([^"]+)"[^\n]*"msg":"ready"/)

    await postgres.kill()
    const send = (id: string) =>
      fetch(`${address}/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ id, type: 'Signed In', accountId: 'a', occurredAt: new Date().toISOString() }),
      })
    expect((await send('first')).status).toBe(202)
    expect((await send('second')).status).toBe(202)
    const ready = await fetch(`${address}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready', checks: { bus: 'up', keys: 'up' } }])
  }, 120_000)
})
