import type { Sql } from '#libs/postgres/database.ts'
import { EPOCH, type Marks } from './gone-back.ts'

/** All marks of one instant. */
export const readMarks = async (sql: Sql): Promise<Marks> => {
  const rows = await sql.query<{ what: string; mark: number }>(
    `select 'account.health ' || partition as what, next_offset as mark from alerting.log_position
     union all select 'source.activity ' || partition, next_offset from alerting.activity_position
     union all select $1, value from alerting.epoch`,
    [EPOCH],
  )
  return new Map(rows.map(({ what, mark }) => [what, mark]))
}
