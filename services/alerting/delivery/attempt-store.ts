import type { Sql } from '#libs/postgres/database.ts'

/** One attempt as the delivery log shows it. */
export type Attempt = {
  /** Counts from 1. */
  readonly attempt: number
  /** RFC 3339. */
  readonly at: string
  readonly outcome: string
  readonly status: number | null
  readonly latencyMs: number
  readonly answer: string | null
}

export type DeliveryUpdate = {
  readonly deliveryId: string
  /** Of the lease. */
  readonly token: string
  readonly state: 'pending' | 'delivered' | 'exhausted'
  readonly reason: string | null
  /** Epoch ms; null unless pending. */
  readonly nextAttemptAt: number | null
  readonly at: number
  readonly attempt: Omit<Attempt, 'attempt'>
}

/** The log keeps this many attempts of a delivery, and counts all. */
const KEPT_ATTEMPTS = 20

/** Skips deliveries that another process has claimed since. Returns how many it saved. */
export const saveAttempts = async (sql: Sql, updates: readonly DeliveryUpdate[]): Promise<number> => {
  const [saved] = await sql.query<{ count: number }>(
    `with done as (
       select * from json_to_recordset($1::json) as r(
         "deliveryId" uuid, token uuid, state text, reason text, "nextAttemptAt" double precision, at double precision,
         attempt jsonb)
       order by "deliveryId"),
     updated as (
       update alerting.delivery d
          set state = done.state, reason = done.reason, tries = d.tries + 1, attempt_count = d.attempt_count + 1,
              attempts = case when d.attempt_count >= ${KEPT_ATTEMPTS} then d.attempts - 0 else d.attempts end
                         || jsonb_build_array(jsonb_build_object('attempt', d.attempt_count + 1) || done.attempt),
              next_attempt_at = coalesce(to_timestamp(done."nextAttemptAt" / 1000), d.next_attempt_at),
              finished_at = case when done.state = 'pending' then null else to_timestamp(done.at / 1000) end,
              lease_token = null, leased_until = null
         from done
        where d.delivery_id = done."deliveryId" and d.lease_token = done.token and d.delivery_id = any($2::uuid[])
       returning 1)
     select count(*) as count from updated`,
    [JSON.stringify(updates), updates.map(({ deliveryId }) => deliveryId)],
  )
  return saved!.count
}
