import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createTestDatabase } from '../../tests/support/postgres/postgres.ts'
import type { Database } from './database.ts'
import { createDatabase } from './pg-database.ts'

let database: Database
let other: Database
let drop: () => Promise<void>

beforeAll(async () => {
  const created = await createTestDatabase()
  drop = created.drop
  database = createDatabase({ connectionString: created.connectionString, logger: silentLogger, maxConnections: 2 })
  other = createDatabase({ connectionString: created.connectionString, logger: silentLogger, maxConnections: 1 })
  await database.start()
  await database.query('create table notes (id int primary key, body bytea)')
})

afterAll(async () => {
  await database.stop()
  await other.stop()
  await drop()
})

const killOthers = () =>
  other.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )

test('numbers, instants and dates arrive as numbers, epoch milliseconds and text', async () => {
  const [row] = await database.query(
    `select 9007199254740991::bigint as big, 1.25::numeric as exact, date '2024-02-29' as day,
      to_timestamp($1::double precision / 1000) as at, array[1, null, 3]::bigint[] as ids,
      array[to_timestamp(1.5)] as instants, 'infinity'::timestamptz as never, '{"a":1}'::jsonb as json`,
    [1_700_000_000_123],
  )
  expect(row).toEqual({
    big: 9007199254740991,
    exact: 1.25,
    day: '2024-02-29',
    at: 1_700_000_000_123,
    ids: [1, null, 3],
    instants: [1500],
    never: Number.POSITIVE_INFINITY,
    json: { a: 1 },
  })
})

test('bytes come back as they were sent', async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
  const [row] = await database.query<{ bytes: Buffer }>('select $1::bytea as bytes', [bytes])
  expect(row!.bytes.equals(bytes)).toBe(true)
})

test('a transaction commits when its work resolves and leaves nothing when it throws', async () => {
  await database.transaction((tx) => tx.query('insert into notes (id) values (1)'))
  const failing = database.transaction(async (tx) => {
    await tx.query('insert into notes (id) values (2)')
    throw new Error('second thoughts')
  })
  await expect(failing).rejects.toThrow('second thoughts')
  expect(await database.query('select id from notes')).toEqual([{ id: 1 }])
})

test('a transaction whose failed statement was swallowed does not pass for committed', async () => {
  const swallowing = database.transaction(async (tx) => {
    await tx.query('insert into notes (id) values (3)')
    await tx.query('select 1 / 0').catch(() => {})
  })
  await expect(swallowing).rejects.toThrow('rolled back')
})

test('a statement that is wrong fails with the driver’s error and its code', async () => {
  await expect(database.query('insert into notes (id) values (1)')).rejects.toMatchObject({ code: '23505' })
})

test('a server that refuses connections is unavailable, and the message bears no address', async () => {
  const door = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => door.once('listening', resolve))
  const { port } = door.address() as { port: number }
  await new Promise((resolve) => door.close(resolve))
  const unreachable = createDatabase({ connectionString: `postgres://u:p@127.0.0.1:${port}/x`, logger: silentLogger })
  const failure = await unreachable.check().then(
    () => undefined,
    (error) => error,
  )
  expect(failure).toBeInstanceOf(UnavailableError)
  expect(failure.message).toBe('PostgreSQL is not available (ECONNREFUSED)')
  await unreachable.stop()
})

test('connections ended by the server fail what was under way as unavailable, and the next statement works', async () => {
  const failing = database.transaction(async (tx) => {
    await tx.query('select 1')
    await killOthers()
    await tx.query('select 1')
  })
  await expect(failing).rejects.toBeInstanceOf(UnavailableError)
  const [row] = await database.query('select 1 as one')
  expect(row).toEqual({ one: 1 })
})

test('a listener hears notifications, and after its connection was lost hears a catch-up call and then new ones', async () => {
  const received: string[] = []
  const wakers: (() => void)[] = []
  const next = () => new Promise<void>((resolve) => wakers.push(resolve))
  let waiting = next()
  const stop = await database.listen('Odd "channel"', (payload) => {
    received.push(payload)
    wakers.shift()?.()
  })
  const say = (text: string) => database.query('select pg_notify($1, $2)', ['Odd "channel"', text])
  await say('first')
  await waiting
  waiting = next()
  await killOthers()
  await waiting
  waiting = next()
  await say('second')
  await waiting
  expect(received).toEqual(['first', '', 'second'])
  await stop()
})
