import type { Sql } from '#libs/postgres/database.ts'

/** Alerts resolved before `before`, with their transitions. */
export const removeResolvedAlerts = (sql: Sql, before: number, limit: number): Promise<number> =>
  countOf(
    sql.query(
      `delete from alerting.alert where alert_id = any(array(
         select alert_id from alerting.alert
          where state = 'resolved' and resolved_at < to_timestamp($1::double precision / 1000)
          order by resolved_at limit $2 for update skip locked))
       returning 1`,
      [before, limit],
    ),
  )

export const removeEndedSilences = (sql: Sql, before: number, limit: number): Promise<number> =>
  countOf(
    sql.query(
      `delete from alerting.silence where silence_id = any(array(
         select silence_id from alerting.silence where ends_at < to_timestamp($1::double precision / 1000)
          limit $2 for update skip locked))
       returning 1`,
      [before, limit],
    ),
  )

const countOf = async (rows: Promise<readonly unknown[]>): Promise<number> => (await rows).length
