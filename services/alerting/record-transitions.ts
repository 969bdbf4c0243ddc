import type { AlertEvent } from '#libs/contracts/alert-event.ts'
import { accountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { enqueue, type OutboxRecord } from '#libs/postgres/outbox.ts'
import { toInstant } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import type { AccountKey, SeenHealth } from './account-store.ts'
import {
  type AlertChange,
  type AlertState,
  insertAlerts,
  insertTransitions,
  type NewAlert,
  updateAlerts,
} from './alert-store.ts'
import type { RuleTransition } from './core/decide-account.ts'
import type { Rule, TransitionKind } from './core/rule.ts'
import { enqueueNotices } from './delivery-store.ts'
import type { Notice, WebhookType } from './notice.ts'
import { accountBody, alertInBody } from './notice-bodies.ts'

/** A transition with the account and what was seen of it when the transition was decided. */
export type DecidedTransition = RuleTransition & {
  readonly account: AccountKey
  readonly seen: SeenHealth
  /** Who did it; null for the machine itself. */
  readonly actor?: string
}

export const alertIdOf = (account: AccountKey, ruleId: string, episode: number): string =>
  derivedId('alert', account.tenantId, ruleId, account.accountId, episode)

/** Writes alerts, their transitions, the topic's entries and the webhooks of what is told, in the caller's transaction. */
export const recordTransitions = async (
  tx: Sql,
  decided: readonly DecidedTransition[],
  otherNotices: readonly Notice[] = [],
): Promise<void> => {
  const identified = decided.map((one) => ({ ...one, alertId: alertIdOf(one.account, one.rule.id, one.episode) }))
  const byAlert = Map.groupBy(identified, (one) => one.alertId)
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
  await insertTransitions(tx, identified.map(toTransition))
  if (identified.length > 0) failpoint('alerting.judge.transitions')
  const events = identified.flatMap((one) => toEvent(one) ?? [])
  if (events.length > 0) await enqueue(tx, 'alerting', events)
  await enqueueNotices(tx, [...otherNotices, ...identified.flatMap((one) => toNotice(one) ?? [])])
}

type Identified = DecidedTransition & { readonly alertId: string }

const STATES: Partial<Record<TransitionKind, AlertState>> = {
  pending: 'pending',
  firing: 'firing',
  recovering: 'recovering',
  resolved: 'resolved',
}

const changeOf = (transitions: readonly Identified[]): AlertChange => {
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

const openingOf = ({ account, rule, episode, reason, at, seen }: Identified) => ({
  ...account,
  ruleId: rule.id,
  episode,
  severity: rule.severity,
  reason,
  ownerId: seen.facts.ownerId,
  openedAt: at,
  evidence: {
    sequence: seen.facts.sequence,
    at: toInstant(seen.at),
    health: seen.health,
    explanation: seen.explanation,
    facts: seen.facts,
  },
})

const toTransition = (one: Identified) => ({
  alertId: one.alertId,
  position: one.position,
  kind: one.kind,
  reason: one.reason,
  at: one.at,
  told: one.telling.told,
  muted: one.telling.told ? null : one.telling.why,
  actor: one.actor ?? null,
})

const toEvent = (one: Identified): OutboxRecord | undefined => {
  const { kind, account, rule } = one
  if (kind === 'reminder' || kind === 'snoozed') return undefined
  const event: AlertEvent = {
    alertId: one.alertId,
    tenantId: account.tenantId,
    accountId: account.accountId,
    ruleId: rule.id,
    severity: rule.severity,
    episode: one.episode,
    transition: kind,
    reason: one.reason,
    at: toInstant(one.at),
    sequence: one.seen.facts.sequence,
  }
  return {
    topic: 'alert.events',
    key: accountKey(account.tenantId, account.accountId),
    value: Buffer.from(JSON.stringify(event)),
  }
}

const toNotice = (one: Identified): Notice | undefined => {
  const type = typeOf(one.kind, one.rule)
  if (!one.telling.told || !type) return undefined
  const { account, seen, at } = one
  const alert = {
    ...alertInBody(one.alertId, one.rule, one.state, one),
    ...(one.kind === 'acknowledged' && one.actor ? { acknowledgedBy: one.actor } : {}),
  }
  return {
    noticeId: derivedId('alert-transition', one.alertId, one.position),
    tenantId: account.tenantId,
    accountId: account.accountId,
    type,
    severity: one.rule.severity,
    ownerId: seen.facts.ownerId,
    traits: seen.traits,
    at,
    body: accountBody({ type, at, account, seen, extra: { alert } }),
  }
}

const typeOf = (kind: TransitionKind, rule: Rule): WebhookType | undefined => {
  switch (kind) {
    case 'firing':
    case 'reminder':
      return rule.tells === 'opportunity' ? 'opportunity.detected' : 'alert.firing'
    case 'resolved':
      return 'alert.resolved'
    case 'acknowledged':
      return 'alert.acknowledged'
    default:
      return undefined
  }
}
