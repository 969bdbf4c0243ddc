import type { Database, Sql } from '#libs/postgres/database.ts'

/**
 * Removes finished deliveries created before `before`, with the messages that nobody needs any more and endpoints that were deleted and have none left.
 * One chunk of at most `limit` per call; answers how many went.
 */
export const removeOldDeliveries = (database: Database, before: number, limit: number): Promise<number> =>
  database.transaction(async (tx) => {
    const gone = await tx.query<{ messageId: string }>(
      `delete from alerting.delivery where delivery_id = any(array(
         select d.delivery_id from alerting.webhook_endpoint e
          cross join lateral (
            select delivery_id from alerting.delivery
             where endpoint_id = e.endpoint_id and state <> 'pending'
               and created_at < to_timestamp($1::double precision / 1000)
             order by created_at limit $2 for update skip locked) d
          limit $2))
       returning message_id as "messageId"`,
      [before, limit],
    )
    await removeMessages(tx, [...new Set(gone.map((row) => row.messageId))])
    await tx.query(
      `delete from alerting.webhook_endpoint e
        where state = 'deleted' and state_at < to_timestamp($1::double precision / 1000)
          and not exists (select from alerting.delivery d where d.endpoint_id = e.endpoint_id)`,
      [before],
    )
    return gone.length
  })

const removeMessages = async (tx: Sql, messageIds: readonly string[]): Promise<void> => {
  if (messageIds.length === 0) return
  await tx.query(
    `delete from alerting.webhook_message m where m.message_id = any($1)
        and not exists (select from alerting.delivery d where d.message_id = m.message_id)`,
    [messageIds],
  )
}

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
