import type { Severity } from '#libs/contracts/severity.ts'
import type { Sql } from '#libs/postgres/database.ts'

export type DigestRow = {
  readonly ownerId: string | null
  readonly alertId: string
  readonly accountId: string
  readonly ruleId: string
  readonly severity: Severity
  readonly state: string
  readonly openedAt: number
  readonly resolvedAt: number | null
  readonly told: boolean
  readonly muted: string | null
}

/** Account alerts opened in (from, until], without those a backfill, silence or outage muted. */
export const openedIn = (sql: Sql, tenantId: string, from: number, until: number): Promise<readonly DigestRow[]> =>
  sql.query<DigestRow>(
    `select owner_id as "ownerId", alert_id as "alertId", account_id as "accountId", rule_id as "ruleId", severity, state,
            opened_at as "openedAt", resolved_at as "resolvedAt", told, muted
       from alerting.alert
      where tenant_id = $1 and account_id is not null
        and opened_at > to_timestamp($2::double precision / 1000) and opened_at <= to_timestamp($3::double precision / 1000)
        and (told or muted not in ('backfill', 'silenced', 'outage'))
      order by array_position(array['critical', 'warning', 'info'], severity), opened_at, alert_id`,
    [tenantId, from, until],
  )
