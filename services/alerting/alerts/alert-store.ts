import type { Severity } from '#libs/contracts/severity.ts'
import type { Sql } from '#libs/postgres/database.ts'
import type { TransitionKind } from '../core/alert/rule.ts'

export type AlertState = 'pending' | 'firing' | 'recovering' | 'resolved'

export type AlertChange = {
  readonly alertId: string
  readonly state: AlertState
  readonly firedAt: number | null
  readonly resolvedAt: number | null
  readonly told: boolean
  readonly muted: string | null
  readonly acknowledgedAt: number | null
  readonly snoozedUntil: number | null
}

export type NewAlert = AlertChange & {
  readonly tenantId: string
  /** Null for an alert about a source or the tenant itself. */
  readonly accountId: string | null
  readonly source: string | null
  readonly ruleId: string
  readonly episode: number
  readonly severity: Severity
  readonly reason: string
  readonly ownerId: string | null
  readonly openedAt: number
  readonly evidence: object
}

export type NewTransition = {
  readonly alertId: string
  readonly position: number
  readonly kind: TransitionKind
  readonly reason: string
  readonly at: number
  readonly told: boolean
  readonly muted: string | null
  readonly actor: string | null
}

/** A second alert of one crossing breaks the unique key, and so the transaction, on purpose. */
export const insertAlerts = async (tx: Sql, alerts: readonly NewAlert[]): Promise<void> => {
  if (alerts.length === 0) return
  await tx.query(
    `insert into alerting.alert (alert_id, tenant_id, account_id, rule_id, episode, severity, state, reason, owner_id,
       opened_at, fired_at, resolved_at, told, muted, evidence, source)
     select id, tenant, account, rule, episode, severity, state, reason, owner,
            to_timestamp(opened / 1000), to_timestamp(fired / 1000), to_timestamp(resolved / 1000), told, muted, evidence, source
       from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[],
                   $10::double precision[], $11::double precision[], $12::double precision[], $13::boolean[], $14::text[], $15::jsonb[],
                   $16::text[])
         as n(id, tenant, account, rule, episode, severity, state, reason, owner, opened, fired, resolved, told, muted, evidence, source)`,
    [
      alerts.map((alert) => alert.alertId),
      alerts.map((alert) => alert.tenantId),
      alerts.map((alert) => alert.accountId),
      alerts.map((alert) => alert.ruleId),
      alerts.map((alert) => alert.episode),
      alerts.map((alert) => alert.severity),
      alerts.map((alert) => alert.state),
      alerts.map((alert) => alert.reason),
      alerts.map((alert) => alert.ownerId),
      alerts.map((alert) => alert.openedAt),
      alerts.map((alert) => alert.firedAt),
      alerts.map((alert) => alert.resolvedAt),
      alerts.map((alert) => alert.told),
      alerts.map((alert) => alert.muted),
      alerts.map((alert) => JSON.stringify(alert.evidence)),
      alerts.map((alert) => alert.source),
    ],
  )
}

export const updateAlerts = async (tx: Sql, changes: readonly AlertChange[]): Promise<void> => {
  if (changes.length === 0) return
  await tx.query(
    `update alerting.alert as a
        set state = n.state, fired_at = to_timestamp(n.fired / 1000), resolved_at = to_timestamp(n.resolved / 1000),
            told = n.told, muted = n.muted, acknowledged_at = to_timestamp(n.acknowledged / 1000),
            snoozed_until = to_timestamp(n.snoozed / 1000)
       from unnest($1::uuid[], $2::text[], $3::double precision[], $4::double precision[], $5::boolean[], $6::text[],
                   $7::double precision[], $8::double precision[])
         as n(id, state, fired, resolved, told, muted, acknowledged, snoozed)
      where a.alert_id = n.id`,
    [
      changes.map((change) => change.alertId),
      changes.map((change) => change.state),
      changes.map((change) => change.firedAt),
      changes.map((change) => change.resolvedAt),
      changes.map((change) => change.told),
      changes.map((change) => change.muted),
      changes.map((change) => change.acknowledgedAt),
      changes.map((change) => change.snoozedUntil),
    ],
  )
}

export const insertTransitions = async (tx: Sql, transitions: readonly NewTransition[]): Promise<void> => {
  if (transitions.length === 0) return
  await tx.query(
    `insert into alerting.alert_transition (alert_id, position, kind, reason, at, told, muted, actor)
     select id, position, kind, reason, to_timestamp(at / 1000), told, muted, actor
       from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::double precision[], $6::boolean[], $7::text[], $8::text[])
         as n(id, position, kind, reason, at, told, muted, actor)`,
    [
      transitions.map((transition) => transition.alertId),
      transitions.map((transition) => transition.position),
      transitions.map((transition) => transition.kind),
      transitions.map((transition) => transition.reason),
      transitions.map((transition) => transition.at),
      transitions.map((transition) => transition.told),
      transitions.map((transition) => transition.muted),
      transitions.map((transition) => transition.actor),
    ],
  )
}

export const setAcknowledgedBy = async (tx: Sql, alertId: string, actor: string): Promise<void> => {
  await tx.query('update alerting.alert set acknowledged_by = $2 where alert_id = $1', [alertId, actor])
}
