import type { Sql } from '#libs/postgres/database.ts'
import { DELIVERY_CHANNEL } from '../notifications/enqueue-deliveries.ts'
import type { Attempt } from './attempt-store.ts'

export type DeliveryState = 'pending' | 'delivered' | 'exhausted'

export type LoggedDelivery = {
  readonly deliveryId: string
  readonly endpointId: string
  readonly type: string
  readonly accountId: string | null
  readonly state: DeliveryState
  readonly reason: string | null
  readonly attemptCount: number
  readonly attempts: readonly Attempt[]
  readonly nextAttemptAt: number
  readonly createdAt: number
  readonly finishedAt: number | null
}

const COLUMNS = `delivery_id as "deliveryId", endpoint_id as "endpointId", type, account_id as "accountId", state, reason,
  attempt_count as "attemptCount", attempts, next_attempt_at as "nextAttemptAt", created_at as "createdAt",
  finished_at as "finishedAt"`

export type DeliveryQuery = {
  readonly endpointId: string
  readonly state: DeliveryState | null
  readonly type: string | null
  readonly accountId: string | null
  /** Created before this one; null: from the newest. */
  readonly before: { readonly createdAt: number; readonly deliveryId: string } | null
  readonly limit: number
}

/** Deliveries of an endpoint, newest first. */
export const listDeliveries = (sql: Sql, tenantId: string, query: DeliveryQuery): Promise<readonly LoggedDelivery[]> =>
  sql.query<LoggedDelivery>(
    `select ${COLUMNS} from alerting.delivery
      where tenant_id = $1 and endpoint_id = $2
        and ($3::text is null or state = $3) and ($4::text is null or type = $4)
        and ($5::text is null or account_id = $5)
        and ($6::double precision is null
             or (created_at, delivery_id) < (to_timestamp($6::double precision / 1000), $7::uuid))
      order by created_at desc, delivery_id desc limit $8`,
    [
      tenantId,
      query.endpointId,
      query.state,
      query.type,
      query.accountId,
      query.before?.createdAt ?? null,
      query.before?.deliveryId ?? null,
      query.limit,
    ],
  )

export const findDelivery = async (
  sql: Sql,
  tenantId: string,
  deliveryId: string,
): Promise<(LoggedDelivery & { readonly body: string }) | undefined> =>
  (
    await sql.query<LoggedDelivery & { body: string }>(
      `select ${COLUMNS}, convert_from(m.body, 'UTF8') as body
         from alerting.delivery join alerting.webhook_message m using (message_id)
        where tenant_id = $1 and delivery_id = $2`,
      [tenantId, deliveryId],
    )
  )[0]

/** Restarts the schedule of a finished delivery; makes a pending one due now. Id and bytes stay. */
const REPLAY = `
  update alerting.delivery d
     set state = 'pending', reason = null, tries = case when d.state = 'pending' then d.tries else 0 end,
         next_attempt_at = to_timestamp($1::double precision / 1000), finished_at = null
   where d.delivery_id = any(array(select delivery_id from chosen)) returning 1`

const COUNT_AND_WAKE = `select count(*) as count, pg_notify('${DELIVERY_CHANNEL}', '') as woken from replayed`

export const replayDelivery = async (tx: Sql, tenantId: string, deliveryId: string, now: number): Promise<void> => {
  await tx.query(
    `with chosen as (
       select delivery_id from alerting.delivery
        where tenant_id = $2 and delivery_id = $3
          and (leased_until is null or leased_until <= to_timestamp($1::double precision / 1000)) for update),
     replayed as (${REPLAY}) ${COUNT_AND_WAKE}`,
    [now, tenantId, deliveryId],
  )
}

export type ReplayRange = {
  readonly endpointId: string
  readonly from: number
  readonly to: number
  /** Null: both. */
  readonly state: 'delivered' | 'exhausted' | null
  readonly limit: number
}

/** Replays finished deliveries created in [from, to), oldest first; `lastAt` is of the last one. */
export const replayRange = async (
  tx: Sql,
  tenantId: string,
  range: ReplayRange,
  now: number,
): Promise<{ readonly count: number; readonly lastAt: number | null }> => {
  const [replayed] = await tx.query<{ count: number; lastAt: number | null }>(
    `with chosen as (
       select delivery_id, created_at from alerting.delivery
        where tenant_id = $2 and endpoint_id = $3 and state <> 'pending' and ($6::text is null or state = $6)
          and created_at >= to_timestamp($4::double precision / 1000)
          and created_at < to_timestamp($5::double precision / 1000)
        order by created_at, delivery_id limit $7 for update),
     replayed as (${REPLAY})
     select counted.*, (select max(created_at) from chosen) as "lastAt" from (${COUNT_AND_WAKE}) counted`,
    [now, tenantId, range.endpointId, range.from, range.to, range.state, range.limit],
  )
  return { count: replayed!.count, lastAt: replayed!.lastAt }
}
