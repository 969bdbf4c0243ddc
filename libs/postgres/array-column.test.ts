import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createTestDatabase } from '../../tests/support/postgres/postgres.ts'
import { createNumberColumn, createTextColumn } from './array-column.ts'
import { createBlob } from './blob.ts'
import type { Database } from './database.ts'
import { createDatabase } from './pg-database.ts'

let database: Database
let drop: () => Promise<void>

beforeAll(async () => {
  const created = await createTestDatabase()
  drop = created.drop
  database = createDatabase({ connectionString: created.connectionString, logger: silentLogger })
  await database.start()
})

afterAll(async () => {
  await database.stop()
  await drop()
})

const rows = fc.array(
  fc.record({
    small: fc.option(fc.integer({ min: -32_768, max: 32_767 })),
    int: fc.option(fc.integer()),
    large: fc.option(fc.maxSafeInteger()),
    double: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
    text: fc.option(fc.string({ unit: 'binary', maxLength: 60 }).filter((text) => !text.includes('\0'))),
    bytes: fc.uint8Array({ maxLength: 40 }),
  }),
  { maxLength: 40 },
)

test('PostgreSQL reads the values that were pushed to columns and a blob, round after round', async () => {
  const columns = {
    small: createNumberColumn('int2'),
    int: createNumberColumn('int4'),
    large: createNumberColumn('int8'),
    double: createNumberColumn('float8'),
    text: createTextColumn(),
    at: createNumberColumn('int4'),
    length: createNumberColumn('int4'),
  }
  const blob = createBlob()
  await fc.assert(
    fc.asyncProperty(rows, async (given) => {
      for (const { bytes, ...row } of given) {
        for (const name of ['small', 'int', 'large', 'double'] as const) columns[name].push(row[name])
        columns.text.push(row.text)
        columns.at.push(blob.append(Buffer.from(bytes)))
        columns.length.push(bytes.length)
      }
      const read = await database.query(
        `select small, int, large, double, text, substring($8::bytea from at + 1 for length) as bytes
         from unnest($1::int2[], $2::int4[], $3::int8[], $4::float8[], $5::text[], $6::int4[], $7::int4[])
           with ordinality as r (small, int, large, double, text, at, length, place) order by place`,
        [...Object.values(columns).map((column) => column.bytes()), blob.bytes()],
      )
      for (const one of [...Object.values(columns), blob]) one.clear()
      expect(read).toEqual(given.map(({ bytes, ...row }) => ({ ...row, bytes: Buffer.from(bytes) })))
    }),
  )
})
