import { afterAll, beforeAll, expect, test } from 'vitest'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createTestDatabase } from '../../tests/support/postgres/postgres.ts'
import type { Database, Sql } from './database.ts'
import { createDatabase } from './pg-database.ts'
import { probeTables } from './probe-tables.ts'

let database: Database
let drop: () => Promise<void>
let url: string

beforeAll(async () => {
  const created = await createTestDatabase()
  drop = created.drop
  url = created.connectionString
  database = createDatabase({ connectionString: url, logger: silentLogger, maxConnections: 2 })
  await database.start()
  await database.query('create table notes (id int primary key, body text not null)')
})
afterAll(async () => {
  await database.stop()
  await drop()
})

const failureOf = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: Error) => error,
  )

/** Connects with another URL and asks for the tables of a consumer. */
const connectFailure = async (change: (to: URL) => void): Promise<Error> => {
  const changed = new URL(url)
  change(changed)
  const other = createDatabase({ connectionString: changed.toString(), logger: silentLogger })
  try {
    return await failureOf(probeTables(other, ['notes']))
  } finally {
    await other.stop()
  }
}

test.each([
  ['a wrong password', '28P01', (to: URL) => Object.assign(to, { password: 'wrong' })],
  ['a database that is not there', '3D000', (to: URL) => Object.assign(to, { pathname: '/nowhere' })],
  ['TLS that the server does not offer', '', (to: URL) => to.searchParams.set('sslmode', 'require')],
])('%s is a fault of the environment', async (_, code, change) => {
  const failure = await connectFailure(change)
  expect(failure).toBeInstanceOf(UnavailableError)
  expect(failure.message).toBe(`PostgreSQL is not available${code && ` (${code})`}`)
})

const inTransaction = (work: (tx: Sql) => Promise<unknown>) => failureOf(database.transaction(work))

test.each([
  ['a column that is missing', '42703', 'select nothing from notes'],
  ['a table that is missing', '42P01', 'insert into nowhere values (1)'],
  ['a statement time-out', '57014', 'select pg_sleep(5)'],
])('%s is a fault of the environment, and the connection goes on', async (_, code, statement) => {
  const failure = await inTransaction(async (tx) => {
    await tx.query("set local statement_timeout = '100ms'")
    await tx.query(statement)
  })
  expect(failure).toBeInstanceOf(UnavailableError)
  expect(failure.message).toContain(code)
  expect((failure.cause as { code: string }).code).toBe(code)
  expect(await database.query('select 1 as one')).toEqual([{ one: 1 }])
})

test('a lock time-out is a fault of the environment, also of the probe', async () => {
  await database.transaction(async (holder) => {
    await holder.query('lock table notes in access exclusive mode')
    const failure = await inTransaction(async (tx) => {
      await tx.query("set local lock_timeout = '100ms'")
      await tx.query('lock table notes in row exclusive mode')
    })
    expect(failure).toBeInstanceOf(UnavailableError)
    expect(failure.message).toContain('55P03')
  })
  await probeTables(database, ['notes'])
})

test.each([
  ['a value of the wrong form', '22P02', "select 'x'::int"],
  ['a value that is missing', '23502', 'insert into notes values (1, null)'],
])('%s is a fault of the record', async (_, code, statement) => {
  const failure = await inTransaction((tx) => tx.query(statement))
  expect(failure).not.toBeInstanceOf(UnavailableError)
  expect((failure as unknown as { code: string }).code).toBe(code)
})
