import { randomBytes } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { newApiKey } from '#libs/access/keys/api-key.ts'
import { createDatabase, withConnection } from '#libs/postgres/pg-database.ts'
import { API_SESSION } from '#libs/postgres/pg-session.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { eventually } from '../support/eventually.ts'
import { createTestDatabase } from '../support/postgres/postgres.ts'
import { spawnProcess } from '../support/processes/spawn-process.ts'

it('readers that wait for the database keep no connection from the pipeline, and are told to come again', async () => {
  const { connectionString, drop } = await createTestDatabase()
  const { key } = newApiKey('test')
  const spawned = spawnProcess('services/all/main.ts', {
    PORT: '0',
    DATABASE_URL: connectionString,
    PULSO_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    PULSO_BOOTSTRAP_KEY: key,
  })
  onTestFinished(async () => {
    spawned.child.kill('SIGKILL')
    await spawned.ended
    await drop()
  })
  const [, address] = await spawned.printed(/"address":"([^"]+)"[^\n]*"msg":"ready"/)
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }

  const database = createDatabase({ connectionString, logger: silentLogger, maxConnections: 1 })
  onTestFinished(database.stop)
  await withConnection(connectionString, async (client) => {
    await client.query('begin; lock table access.audit in access exclusive mode')
    const readers = Array.from({ length: 24 }, () => fetch(`${address}/v1/audit`, { headers }))
    const waiting = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%access.audit%'`
    await eventually('the readers hold their pool', async () => (await database.query(waiting)).length === 5)

    const startedAt = performance.now()
    const event = {
      id: '1',
      type: 'Signed In',
      accountId: 'acme',
      occurredAt: new Date().toISOString(),
      properties: {},
    }
    const sent = await fetch(`${address}/v1/events`, { method: 'POST', headers, body: JSON.stringify(event) })
    expect(sent.status).toBe(202)
    await eventually('the event is scored', async () => {
      return (await database.query(`select 1 from scoring.account where account_id = 'acme'`)).length === 1
    })
    expect(performance.now() - startedAt).toBeLessThan(API_SESSION.lockMs)
    const answers = await Promise.all(readers)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]))
    expect(answers.every((answer) => answer.headers.has('retry-after'))).toBe(true)
    const metrics = await (await fetch(`${address}/metrics`)).text()
    expect(metrics).toMatch(/pulso_database_callers_waiting\{pool="api"\} \d/)
    await client.query('rollback')
  })
  expect((await fetch(`${address}/v1/audit`, { headers })).status).toBe(200)
}, 60_000)

it('the server ends what a client has given up: statements, waits, transactions that say nothing', async () => {
  const { connectionString, drop } = await createTestDatabase()
  const session = { statementMs: 200, lockMs: 100, idleInTransactionMs: 200 }
  const database = createDatabase({
    connectionString,
    logger: silentLogger,
    session,
    maxConnections: 1,
    applicationName: 'silent',
  })
  const other = createDatabase({ connectionString, logger: silentLogger, maxConnections: 1 })
  const backends = `select 1 from pg_stat_activity where application_name = 'silent'`
  onTestFinished(async () => {
    await database.stop()
    await other.stop()
    await drop()
  })
  await expect(database.query('select pg_sleep(2)')).rejects.toMatchObject({ name: 'UnavailableError' })
  const silent = database.transaction(async (tx) => {
    await tx.query('select 1')
    await eventually('the server has ended it', async () => (await other.query(backends)).length === 0)
    await tx.query('select 1')
  })
  await expect(silent).rejects.toMatchObject({ name: 'UnavailableError' })
  expect(await database.query(`select current_setting('tcp_user_timeout') as value`)).toEqual([{ value: '30000' }])
})
