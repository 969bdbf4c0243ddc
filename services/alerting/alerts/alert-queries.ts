import type { Severity } from '#libs/contracts/severity.ts'
import type { Sql } from '#libs/postgres/database.ts'
import type { TransitionKind } from '../core/alert/rule.ts'
import type { AlertState } from './alert-store.ts'

export type AlertRow = {
  readonly alertId: string
  readonly accountId: string | null
  readonly source: string | null
  readonly ruleId: string
  readonly episode: number
  readonly severity: Severity
  readonly state: AlertState
  readonly reason: string
  readonly ownerId: string | null
  readonly openedAt: number
  readonly firedAt: number | null
  readonly resolvedAt: number | null
  readonly acknowledgedAt: number | null
  readonly acknowledgedBy: string | null
  readonly snoozedUntil: number | null
  readonly told: boolean
  readonly muted: string | null
}

export type TransitionRow = {
  readonly position: number
  readonly kind: TransitionKind
  readonly reason: string
  readonly at: number
  readonly told: boolean
  readonly muted: string | null
  readonly actor: string | null
}

const COLUMNS = `alert_id as "alertId", account_id as "accountId", source, rule_id as "ruleId", episode, severity, state, reason,
  owner_id as "ownerId", opened_at as "openedAt", fired_at as "firedAt", resolved_at as "resolvedAt",
  acknowledged_at as "acknowledgedAt", acknowledged_by as "acknowledgedBy", snoozed_until as "snoozedUntil", told, muted`

export type AlertFilter = {
  readonly state: AlertState | null
  readonly accountId: string | null
  readonly ruleId: string | null
  readonly owner: string | null
  readonly limit: number
  readonly before: { readonly openedAt: number; readonly alertId: string } | null
}

/** Newest first; one more than `limit` when there are more. */
export const listAlerts = (sql: Sql, tenantId: string, filter: AlertFilter): Promise<readonly AlertRow[]> =>
  sql.query<AlertRow>(
    `select ${COLUMNS} from alerting.alert
      where tenant_id = $1
        and ($2::text is null or state = $2)
        and ($3::text is null or account_id = $3)
        and ($4::text is null or rule_id = $4)
        and ($5::text is null or owner_id = $5)
        and ($6::double precision is null or (opened_at, alert_id) < (to_timestamp($6 / 1000), $7::uuid))
      order by opened_at desc, alert_id desc limit $8`,
    [
      tenantId,
      filter.state,
      filter.accountId,
      filter.ruleId,
      filter.owner,
      filter.before?.openedAt ?? null,
      filter.before?.alertId ?? null,
      filter.limit + 1,
    ],
  )

export const findAlert = async (
  sql: Sql,
  tenantId: string,
  alertId: string,
): Promise<(AlertRow & { readonly evidence: Record<string, unknown> }) | undefined> =>
  (
    await sql.query<AlertRow & { readonly evidence: Record<string, unknown> }>(
      `select ${COLUMNS}, evidence from alerting.alert where tenant_id = $1 and alert_id = $2`,
      [tenantId, alertId],
    )
  )[0]

export const transitionsOf = (sql: Sql, alertId: string): Promise<readonly TransitionRow[]> =>
  sql.query<TransitionRow>(
    'select position, kind, reason, at, told, muted, actor from alerting.alert_transition where alert_id = $1 order by position',
    [alertId],
  )
