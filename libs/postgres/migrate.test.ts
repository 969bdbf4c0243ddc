import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createTestDatabase } from '../../tests/support/postgres/postgres.ts'
import type { Database } from './database.ts'
import { migrate } from './migrate.ts'
import { createDatabase } from './pg-database.ts'

let folder: string
let connectionString: string
let database: Database
let drop: () => Promise<void>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pulso-migrations-'))
  await writeFile(
    join(folder, '001_things.sql'),
    'create table shop.things (id int);\ninsert into shop.things values (1);',
  )
  await writeFile(join(folder, 'README.md'), 'not a migration')
  ;({ connectionString, drop } = await createTestDatabase())
  database = createDatabase({ connectionString, logger: silentLogger })
})

afterAll(async () => {
  await database.stop()
  await drop()
  await rm(folder, { recursive: true })
})

const run = () => migrate({ connectionString, schema: 'shop', folder, logger: silentLogger })
const ids = async () =>
  (await database.query<{ id: number }>('select id from shop.things order by id')).map((row) => row.id)

test('three processes that migrate at once run each file once', async () => {
  const names = await Promise.all([run(), run(), run()])
  expect(names.flat()).toEqual(['001_things'])
  expect(await ids()).toEqual([1])
})

test('a new file runs alone, and a file that fails leaves nothing behind', async () => {
  await writeFile(join(folder, '002_more.sql'), 'insert into shop.things values (2);')
  expect(await run()).toEqual(['002_more'])
  await writeFile(join(folder, '003_broken.sql'), 'insert into shop.things values (3);\nselect 1 / 0;')
  await expect(run()).rejects.toThrow('division by zero')
  expect(await ids()).toEqual([1, 2])
})

test('older code starts on a newer schema until a migration says that it is too old, and then says so', async () => {
  const former = await mkdtemp(join(tmpdir(), 'pulso-former-'))
  onTestFinished(() => rm(former, { recursive: true }))
  const runIn = (code: string) => migrate({ connectionString, schema: 'store', folder: code, logger: silentLogger })
  const newer = await mkdtemp(join(tmpdir(), 'pulso-newer-'))
  onTestFinished(() => rm(newer, { recursive: true }))
  const first = 'create table store.things (id int);'
  for (const code of [former, newer]) await writeFile(join(code, '001_things.sql'), first)
  await writeFile(join(newer, '002_more.sql'), 'alter table store.things add column name text;')
  expect(await runIn(newer)).toEqual(['001_things', '002_more'])
  expect(await runIn(former)).toEqual([])
  await writeFile(join(newer, '003_fewer.sql'), '-- Oldest code: 2\nalter table store.things drop column id;')
  expect(await runIn(newer)).toEqual(['003_fewer'])
  await expect(runIn(former)).rejects.toThrow(/"store".*2 or later.*ends at 1/)
  expect(await runIn(newer)).toEqual([])
})
