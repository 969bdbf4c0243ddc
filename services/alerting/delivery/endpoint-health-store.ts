import type { Sql } from '#libs/postgres/database.ts'
import type { AttemptOutcome } from './attempt-delivery.ts'

export type EndpointMark = {
  readonly endpointId: string
  /** Whether an attempt succeeded. */
  readonly succeeded: boolean
  readonly failedAt: number | null
  readonly pausedUntil: number | null
}

/** One change of health per endpoint, from its outcomes in their order. */
export const marksOf = (outcomes: readonly AttemptOutcome[]): EndpointMark[] => {
  const marks = new Map<string, EndpointMark>()
  for (const { effect, target, update } of outcomes) {
    const { endpointId } = target
    if (effect.endpoint === 'untried') continue
    const before = marks.get(endpointId) ?? { endpointId, succeeded: false, failedAt: null, pausedUntil: null }
    const mark =
      effect.endpoint === 'healthy'
        ? { ...before, succeeded: true, failedAt: null }
        : { ...before, failedAt: before.failedAt ?? update.at }
    marks.set(endpointId, effect.endpoint === 'throttled' ? { ...mark, pausedUntil: effect.pausedUntil } : mark)
  }
  return [...marks.values()]
}

/** Writes only changes of health. The later of two pauses holds. */
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

/** `failingBefore`: failed since then or earlier; null: whatever its health. True: disabled now. */
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
