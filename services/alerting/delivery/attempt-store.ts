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
         from done
        where d.delivery_id = done."deliveryId" and d.lease_token = done.token and d.delivery_id = any($2::uuid[])
       returning 1)
     select count(*) as count from updated`,
    [JSON.stringify(records), records.map((record) => record.deliveryId)],
  )
  return written!.count
}

export type EndpointMark = {
  readonly endpointId: string
  /** A try succeeded. */
  readonly succeeded: boolean
  /** First failure since then; null when the last try succeeded. */
  readonly failedAt: number | null
  readonly pausedUntil: number | null
}

/** Health of endpoints, written only when it changes. Of two pauses the later holds; the first failure in a row stays the first. */
export const markEndpoints = async (sql: Sql, marks: readonly EndpointMark[]): Promise<void> => {
  await sql.query(
    `with health as (
       select e.endpoint_id,
              case when m.succeeded then to_timestamp(m."failedAt" / 1000)
                   else coalesce(e.failing_since, to_timestamp(m."failedAt" / 1000)) end as failing_since,
              greatest(e.paused_until, to_timestamp(m."pausedUntil" / 1000)) as paused_until
         from json_to_recordset($1::json) as m("endpointId" uuid, succeeded boolean, "failedAt" double precision,
                                               "pausedUntil" double precision)
         join alerting.webhook_endpoint e on e.endpoint_id = m."endpointId"
        order by e.endpoint_id)
     update alerting.webhook_endpoint e set failing_since = h.failing_since, paused_until = h.paused_until
       from health h
      where e.endpoint_id = h.endpoint_id
        and (e.failing_since is distinct from h.failing_since or e.paused_until is distinct from h.paused_until)`,
    [JSON.stringify(marks)],
  )
}

/** Disables an endpoint that is enabled and, unless it said itself that it is gone, that failed since `failingBefore` or earlier; true when this call did it. */
export const disableEndpoint = async (
  sql: Sql,
  endpointId: string,
  {
    reason,
    failingBefore,
    now,
  }: { readonly reason: string; readonly failingBefore: number | null; readonly now: number },
): Promise<boolean> => {
  const rows = await sql.query(
    `update alerting.webhook_endpoint
        set state = 'disabled', state_reason = $2, state_at = to_timestamp($3::double precision / 1000)
      where endpoint_id = $1 and state = 'enabled'
        and ($4::double precision is null or failing_since <= to_timestamp($4::double precision / 1000))
      returning 1`,
    [endpointId, reason, now, failingBefore],
  )
  return rows.length > 0
}
