import { zstdDecompressSync } from 'node:zlib'
import type { Database } from '#libs/postgres/database.ts'

/**
 * Places in the whole database, as `schema.table`, that hold one of the texts: in any column, in
 * bytes, and in what is packed. Bytes are looked for in bytes.
 */
export const findTexts = async (database: Database, texts: readonly (string | Buffer)[]): Promise<string[]> => {
  const tables = await database.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema') order by 1`,
  )
  const found: string[] = []
  for (const { name } of tables) {
    const rows = await database.query(`select * from ${name}`)
    if (rows.some((row) => texts.some((text) => holds(Object.values(row), text)))) found.push(name)
  }
  return found
}

const holds = (value: unknown, text: string | Buffer): boolean => {
  if (typeof value === 'string') return typeof text === 'string' && value.includes(text)
  if (Buffer.isBuffer(value)) return value.includes(text) || unpacked(value).includes(text)
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, member]) => holds(key, text) || holds(member, text))
}

/** Frames and chunks: a codec byte, then zstd. */
const unpacked = (bytes: Buffer): Buffer => {
  try {
    return zstdDecompressSync(bytes.subarray(1))
  } catch {
    return Buffer.alloc(0)
  }
}
