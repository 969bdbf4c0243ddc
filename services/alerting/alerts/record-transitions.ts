import type { AlertEvent } from '#libs/contracts/alert-event.ts'
import { RECORD_HEADERS } from '#libs/contracts/record-version.ts'
import { accountKey, sourceKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { enqueue, type OutboxRecord } from '#libs/postgres/outbox.ts'
import { toInstant } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { TransitionKind } from '../core/alert/rule.ts'
import type { RuleTransition } from '../core/decision/decide-instants.ts'
import {
  type AlertChange,
  type AlertState,
  insertAlerts,
  insertTransitions,
  type NewAlert,
  updateAlerts,
} from './alert-store.ts'
import { alertIdOf, type SubjectSnapshot } from './alert-subject.ts'

export type DecidedTransition = RuleTransition &
  SubjectSnapshot & {
    /** The person who caused the transition; absent: the evaluation of a rule. */
    readonly actor?: string
  }

export type RecordedTransition = DecidedTransition & { readonly alertId: string }

/** Writes alerts, their transitions and the events of the topic in the caller's transaction. */
export const recordTransitions = async (
  tx: Sql,
  decided: readonly DecidedTransition[],
): Promise<readonly RecordedTransition[]> => {
  if (decided.length === 0) return []
  const recorded = decided.map((one) => ({ ...one, alertId: alertIdOf(one.subject, one.rule.id, one.episode) }))
  const byAlert = Map.groupBy(recorded, (one) => one.alertId)
  const fresh: NewAlert[] = []
  const changed: AlertChange[] = []
  for (const transitions of byAlert.values()) {
    const first = transitions[0]!
    const change = changeOf(transitions)
    if (first.position > 1) changed.push(change)
    else fresh.push({ ...change, ...openingOf(first) })
  }
  await insertAlerts(tx, fresh)
  await updateAlerts(tx, changed)
  await insertTransitions(tx, recorded.map(toTransition))
  failpoint('alerting.evaluate.transitions')
  const events = recorded.flatMap((one) => toEvent(one) ?? [])
  if (events.length > 0) await enqueue(tx, 'alerting', events)
  return recorded
}

const STATES: Partial<Record<TransitionKind, AlertState>> = {
  pending: 'pending',
  firing: 'firing',
  recovering: 'recovering',
  resolved: 'resolved',
}

const changeOf = (transitions: readonly RecordedTransition[]): AlertChange => {
  const { alertId, state } = transitions.at(-1)!
  const moved = transitions.findLast(({ kind }) => STATES[kind])
  const resolved = transitions.findLast(({ kind }) => kind === 'resolved')
  return {
    alertId,
    state: moved ? STATES[moved.kind]! : state.phase === 'recovering' ? 'recovering' : 'firing',
    firedAt: state.firedAt,
    resolvedAt: resolved?.at ?? null,
    told: state.told,
    muted: state.muted,
    acknowledgedAt: state.acknowledgedAt,
    snoozedUntil: state.snoozedUntil,
  }
}

const openingOf = ({ subject, rule, episode, reason, at, seen, evidence }: RecordedTransition) => ({
  ...subject,
  ruleId: rule.id,
  episode,
  severity: rule.severity,
  reason,
  ownerId: seen?.facts.ownerId ?? null,
  openedAt: at,
  evidence,
})

const toTransition = (one: RecordedTransition) => ({
  alertId: one.alertId,
  position: one.position,
  kind: one.kind,
  reason: one.reason,
  at: one.at,
  told: one.notifying.told,
  muted: one.notifying.told ? null : one.notifying.why,
  actor: one.actor ?? null,
})

const toEvent = (one: RecordedTransition): OutboxRecord | undefined => {
  const { kind, subject, rule } = one
  const { tenantId, accountId, source } = subject
  if (kind === 'reminder' || kind === 'snoozed' || kind === 'escalated') return undefined
  const event: AlertEvent = {
    alertId: one.alertId,
    tenantId,
    accountId,
    source,
    ruleId: rule.id,
    severity: rule.severity,
    episode: one.episode,
    transition: kind,
    reason: one.reason,
    at: toInstant(one.at),
    sequence: one.seen?.facts.sequence ?? 0,
  }
  return {
    topic: 'alert.events',
    key: accountId === null ? sourceKey(tenantId, source ?? '') : accountKey(tenantId, accountId),
    headers: RECORD_HEADERS,
    value: Buffer.from(JSON.stringify(event)),
  }
}
