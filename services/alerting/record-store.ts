import type { Sql } from '#libs/postgres/database.ts'

/** One try as the delivery log shows it. */
export type Attempt = {
  readonly attempt: number
  /** RFC 3339. */
  readonly at: string
  readonly outcome: string
  readonly status: number | null
  readonly latencyMs: number
  readonly answer: string | null
}

export type AttemptRecord = {
  readonly deliveryId: string
  readonly token: string
  readonly state: 'pending' | 'delivered' | 'exhausted'
  readonly reason: string | null
  /** Epoch ms; null unless pending. */
  readonly nextAttemptAt: number | null
  readonly at: number
  readonly attempt: Omit<Attempt, 'attempt' | 'at'> & { readonly at: string }
}

/** The log keeps this many tries of a delivery, and counts all. */
const KEPT_ATTEMPTS = 20

/**
 * Writes down what tries led to, many in one statement. A row whose lease went to somebody else in the meantime is left alone: that one
 * will record its own. Answers how many were written.
 */
export const recordAttempts = async (sql: Sql, records: readonly AttemptRecord[]): Promise<number> => {
  const [written] = await sql.query<{ count: number }>(
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
         from done where d.delivery_id = done."deliveryId" and d.lease_token = done.token
       returning 1)
     select count(*) as count from updated`,
    [JSON.stringify(records)],
  )
  return written!.count
}

export type EndpointMark = {
  readonly endpointId: string
  /** Instant of the first failure, null once a try succeeded. */
  readonly failingSince: number | null
  readonly pausedUntil: number | null
}

/** Health of endpoints, written only when it changes. Of two pauses the later holds; the first failure stays the first. */
export const markEndpoints = async (sql: Sql, marks: readonly EndpointMark[]): Promise<void> => {
  await sql.query(
    `update alerting.webhook_endpoint e
        set failing_since = case when m."failingSince" is null then null
                                 else coalesce(e.failing_since, to_timestamp(m."failingSince" / 1000)) end,
            paused_until = case when m."pausedUntil" is null then e.paused_until
                                else greatest(e.paused_until, to_timestamp(m."pausedUntil" / 1000)) end
       from (select * from json_to_recordset($1::json) as r(
               "endpointId" uuid, "failingSince" double precision, "pausedUntil" double precision)
             order by "endpointId") m
      where e.endpoint_id = m."endpointId"`,
    [JSON.stringify(marks)],
  )
}

/** Disables an endpoint that was enabled; true when this call did it. */
export const disableEndpoint = async (sql: Sql, endpointId: string, reason: string, now: number): Promise<boolean> => {
  const rows = await sql.query(
    `update alerting.webhook_endpoint
        set state = 'disabled', state_reason = $2, state_at = to_timestamp($3::double precision / 1000)
      where endpoint_id = $1 and state = 'enabled' returning 1`,
    [endpointId, reason, now],
  )
  return rows.length > 0
}

/**
 * Ends what still waits for endpoints that are disabled or deleted, so that no delivery ends in silence: each can be replayed. In chunks; answers how
 * many. Leases do not matter: a try under way loses its token and its outcome is not recorded.
 */
export const endOrphans = async (sql: Sql, now: number, limit: number): Promise<number> => {
  const [ended] = await sql.query<{ count: number }>(
    `with orphans as (
       select d.delivery_id, e.state from alerting.webhook_endpoint e
        cross join lateral (
          select delivery_id from alerting.delivery
           where endpoint_id = e.endpoint_id and state = 'pending'
           order by next_attempt_at limit $2 for update skip locked) d
        where e.state <> 'enabled' limit $2),
     ended as (
       update alerting.delivery d
          set state = 'exhausted', reason = 'endpoint_' || orphans.state,
              finished_at = to_timestamp($1::double precision / 1000), lease_token = null, leased_until = null
         from orphans where d.delivery_id = orphans.delivery_id returning 1)
     select count(*) as count from ended`,
    [now, limit],
  )
  return ended!.count
}
