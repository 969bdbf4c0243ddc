import type { Database, Sql } from '#libs/postgres/database.ts'

type Overdue = { readonly before: number; readonly now: number; readonly limit: number }

/** Ends pending deliveries created before `before`, at most `limit`; returns their number. */
export const endOverdue = async (sql: Sql, { before, now, limit }: Overdue): Promise<number> => {
  const rows = await sql.query(
    `update alerting.delivery
        set state = 'exhausted', reason = 'overdue', finished_at = to_timestamp($2::double precision / 1000),
            lease_token = null, leased_until = null
      where delivery_id = any(array(
        select d.delivery_id from alerting.webhook_endpoint e
         cross join lateral (
           select delivery_id from alerting.delivery
            where endpoint_id = e.endpoint_id and state = 'pending'
              and created_at < to_timestamp($1::double precision / 1000)
              and (leased_until is null or leased_until <= to_timestamp($2::double precision / 1000))
            order by created_at limit $3 for update skip locked) d
         limit $3))
      returning 1`,
    [before, now, limit],
  )
  return rows.length
}

/** Orphans have no enabled endpoint. Skips leased deliveries: their attempt is under way. */
export const endOrphans = async (sql: Sql, now: number, limit: number): Promise<number> => {
  const [ended] = await sql.query<{ count: number }>(
    `with orphans as materialized (
       select d.delivery_id, e.state from alerting.webhook_endpoint e
        cross join lateral (
          select delivery_id from alerting.delivery
           where endpoint_id = e.endpoint_id and state = 'pending'
             and (leased_until is null or leased_until <= to_timestamp($1::double precision / 1000))
           order by next_attempt_at limit $2 for update skip locked) d
        where e.state <> 'enabled' limit $2),
     ended as (
       update alerting.delivery d
          set state = 'exhausted', reason = 'endpoint_' || orphans.state,
              finished_at = to_timestamp($1::double precision / 1000), lease_token = null, leased_until = null
         from orphans
        where d.delivery_id = orphans.delivery_id and d.delivery_id = any(array(select delivery_id from orphans))
       returning 1)
     select count(*) as count from ended`,
    [now, limit],
  )
  return ended!.count
}

/** Removes also messages and deleted endpoints of which no delivery is left. */
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
