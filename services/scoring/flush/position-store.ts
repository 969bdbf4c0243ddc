import type { Sql } from '#libs/postgres/database.ts'

export const readPositions = (sql: Sql): Promise<readonly { readonly partition: number; readonly next: number }[]> =>
  sql.query('select partition, next_offset as next from scoring.partition_head where next_offset is not null')

/** False when the database is behind `expected`. */
export const writePosition = async (
  sql: Sql,
  position: { readonly partition: number; readonly next: number; readonly expected: number | null },
): Promise<boolean> => {
  const rows = await sql.query(
    `insert into scoring.partition_head as h (partition, position, next_offset)
     select $1, 0, $2 where $3::bigint is null or exists (select from scoring.partition_head where partition = $1)
     on conflict (partition) do update set next_offset = excluded.next_offset
       where coalesce(h.next_offset >= $3::bigint, true)
     returning 1`,
    [position.partition, position.next, position.expected],
  )
  return rows.length > 0
}

export const readEpoch = async (sql: Sql): Promise<number> => {
  const [row] = await sql.query<{ value: number }>('select value from scoring.epoch')
  return row!.value
}
