import type { Sql } from '#libs/postgres/database.ts'

export const readTombstoneKey = async (sql: Sql): Promise<Buffer | undefined> => {
  const [row] = await sql.query<{ sealed: Buffer }>('select sealed from access.tombstone_key')
  return row?.sealed
}

/** The first of several processes makes it. */
export const insertTombstoneKey = async (sql: Sql, sealed: Buffer): Promise<void> => {
  await sql.query('insert into access.tombstone_key (sealed) values ($1) on conflict do nothing', [sealed])
}

/** Nothing happens when another process has sealed it anew since. */
export const resealTombstoneKey = async (sql: Sql, former: Buffer, sealed: Buffer): Promise<void> => {
  await sql.query('update access.tombstone_key set sealed = $2 where sealed = $1', [former, sealed])
}
