import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'

type Release = {
  /** Number of the newest migration that the code brings. */
  readonly newest: number
  /** Number of the oldest newest migration of code that works on the schema; 0: any. */
  readonly oldest: number
}

const OLDEST = /^-- Oldest code: (\d+)$/m

/** What the migrations of a folder say. One that old code cannot bear names the oldest that can. */
export const releaseOf = async (folder: string): Promise<Release> => {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.sql'))
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))
  return {
    newest: Math.max(0, ...files.map((name) => Number.parseInt(name, 10))),
    oldest: Math.max(0, ...texts.map((text) => Number(OLDEST.exec(text)?.[1] ?? 0))),
  }
}

/** Throws if the schema's migrations say that this code is too old for it. */
export const refuseOldCode = async (client: pg.Client, schema: string, { newest }: Release): Promise<void> => {
  const oldest = await storedOldest(client, schema)
  if (newest < oldest)
    throw new Error(
      `The schema "${schema}" of the database needs code whose newest migration is ${oldest} or later; this ` +
        `release ends at ${newest}. Start the release that migrated the database, or restore a backup from before it`,
    )
}

/** Keeps the number with the table of migrations, for code that does not have these files. */
export const keepOldest = async (client: pg.Client, schema: string, { oldest }: Release): Promise<void> => {
  if (oldest > (await storedOldest(client, schema)))
    await client.query(`comment on table ${schema}.migrations is 'Oldest code: ${oldest}'`)
}

const storedOldest = async (client: pg.Client, schema: string): Promise<number> => {
  const { rows } = await client.query(`select obj_description(to_regclass($1), 'pg_class') as said`, [
    `${schema}.migrations`,
  ])
  return Number(/^Oldest code: (\d+)$/.exec(rows[0]?.said ?? '')?.[1] ?? 0)
}
