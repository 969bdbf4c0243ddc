import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Database } from '#libs/postgres/database.ts'
import { migrate } from '#libs/postgres/migrate.ts'
import { createDatabase } from '#libs/postgres/pg-database.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createTestDatabase } from '../../tests/support/postgres/postgres.ts'
import { createStoredTombstones, createTombstones } from './tombstones.ts'

const ACME = { tenantId: 'default', accountId: 'acme' }
const [FIRST, SECOND, THIRD] = [randomBytes(32), randomBytes(32), randomBytes(32)]
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

let database: Database
let drop: () => Promise<void>
beforeAll(async () => {
  const { connectionString, drop: dropDatabase } = await createTestDatabase()
  drop = dropDatabase
  await migrate({
    connectionString,
    schema: 'access',
    folder: join(import.meta.dirname, 'migrations'),
    logger: silentLogger,
  })
  database = createDatabase({ connectionString, logger: silentLogger })
  await database.start()
})
beforeEach(() => database.query('delete from access.tombstone_key'))
afterAll(async () => {
  await database?.stop()
  await drop?.()
})

/** The hash for acme of a process that is started with these keys. */
const hashWith = async (encryptionKey: Buffer, ...formerEncryptionKeys: Buffer[]): Promise<string> => {
  const tombstones = createStoredTombstones({ database, encryptionKey, formerEncryptionKeys })
  await tombstones.start()
  return tombstones.ofAccount(ACME)
}

test('no hash is one that the ids alone lead to, and accounts, users and installations have hashes of their own', () => {
  const ids = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' })
  const [here, there] = [createTombstones(() => FIRST), createTombstones(() => SECOND)]
  fc.assert(
    fc.property(ids, ids, ids, (tenantId, accountId, userId) => {
      const account = { tenantId, accountId }
      const bare = [sha256(`${tenantId}:${accountId}`), sha256(JSON.stringify([tenantId, accountId, userId]))]
      const hashes = [account, { tenantId, accountId: `${accountId}2` }].flatMap((one) => [
        here.ofAccount(one),
        here.ofUser(one, userId).hash,
        there.ofAccount(one),
        there.ofUser(one, userId).hash,
      ])
      expect(new Set([...bare, ...hashes]).size).toBe(10)
      expect(here.ofUser(account, userId).former).toBe(bare[1])
    }),
  )
})

test('the key stays when the encryption key is replaced, also once the former one is gone', async () => {
  const hash = await hashWith(FIRST)
  expect(await hashWith(FIRST)).toBe(hash)
  expect(await hashWith(SECOND, FIRST)).toBe(hash)
  expect(await hashWith(SECOND)).toBe(hash)
  expect(await hashWith(THIRD, FIRST, SECOND)).toBe(hash)
  expect(await hashWith(THIRD)).toBe(hash)
})

test('a process whose keys do not open it does not start, and leaves it as it is', async () => {
  const hash = await hashWith(FIRST)
  await expect(hashWith(SECOND)).rejects.toThrow('PULSO_ENCRYPTION_KEY_FORMER')
  expect(await hashWith(FIRST)).toBe(hash)
})

test('processes that start at once have one key, and a database from before it was made comes to the same', async () => {
  const hashes = await Promise.all([hashWith(FIRST), hashWith(FIRST), hashWith(FIRST)])
  expect(new Set(hashes).size).toBe(1)
  await database.query('delete from access.tombstone_key')
  expect(await hashWith(FIRST)).toBe(hashes[0])
  await database.query('delete from access.tombstone_key')
  expect(await hashWith(SECOND)).not.toBe(hashes[0])
})
