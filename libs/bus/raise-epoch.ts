import type { Sql } from '#libs/postgres/database.ts'

/**
 * Begins a new range of numbers, where a database was found behind the log. `table` has one row
 * with `value` and `raised_at`. Answers the new value, above `known`: the database may have lost
 * the epoch itself.
 */
export const raiseEpoch = async (sql: Sql, table: string, known: number): Promise<number> => {
  const [row] = await sql.query<{ value: number }>(
    `update ${table} set value = greatest(value, $1) + 1, raised_at = now() returning value`,
    [known],
  )
  return row!.value
}
