import type { Facts } from '#libs/contracts/account-health.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#libs/runtime/durations.ts'
import type { MuteReason, Rule, RuleState } from './rule.ts'

/** A source or many accounts are inactive: while that lasts, it mutes these rules of accounts. */
export type Outage = {
  readonly mutes: readonly string[]
  /** When the source was last heard; accounts seen later have another one. Null: all accounts. */
  readonly quietSince: number | null
}

/** Many accounts are inactive or soon will be: alerts of these rules wait for an outage to show. */
export type Suspicion = { readonly mutes: readonly string[]; readonly holdMs: number }

/** Activity of a source is published at most once a minute, and may be late. */
const ACTIVITY_MARGIN_MS = 10 * MINUTE_MS

/** Mutes that end with an outage or its suspicion. */
export const OUTAGE_MUTES: readonly MuteReason[] = ['outage', 'held']

export const isMutedByOutage = (state: Pick<RuleState, 'phase' | 'muted' | 'told'>): boolean =>
  state.phase === 'firing' && !state.told && state.muted !== null && OUTAGE_MUTES.includes(state.muted)

/** Whether an alert is notified as soon as its mute passes or a person changes it. */
export const isWaiting = (state: Pick<RuleState, 'phase' | 'muted' | 'told'>): boolean =>
  isMutedByOutage(state) || (state.phase === 'firing' && !state.told && state.muted === 'quiet_hours')

export type OutageCandidate = {
  readonly rule: Pick<Rule, 'id' | 'kind' | 'momentary'>
  readonly state: Pick<RuleState, 'phase' | 'muted' | 'told'>
  readonly facts: Facts
  readonly silenceCapMoved: boolean
  /** An alert of the account was muted by an outage when this step began. */
  readonly wasMutedByOutage: boolean
}

/** The rule is muted by the outage or was before, or the inactivity cap moved the score. */
const isOfKind = ({ rule, state, silenceCapMoved }: OutageCandidate, mutes: readonly string[]): boolean =>
  mutes.includes(rule.id) || isMutedByOutage(state) || (silenceCapMoved && rule.kind === 'threshold')

export const isInOutage = (alert: OutageCandidate, outages: readonly Outage[]): boolean => {
  const { rule, facts, silenceCapMoved, wasMutedByOutage } = alert
  if (rule.momentary && silenceCapMoved && wasMutedByOutage) return true
  if (facts.silentSince === null) return false
  const lastSeenAt = Date.parse(facts.silentSince) - (facts.silenceLimitDays ?? 0) * DAY_MS
  return outages.some(({ mutes, quietSince }) => {
    return isOfKind(alert, mutes) && (quietSince === null || lastSeenAt <= quietSince + ACTIVITY_MARGIN_MS)
  })
}

export const isSuspected = (alert: OutageCandidate, suspicion: Suspicion | null): boolean =>
  suspicion !== null && alert.facts.silentSince !== null && isOfKind(alert, suspicion.mutes)

/** A local day begins at most this much before the day in UTC. */
const ZONE_MARGIN_MS = 16 * HOUR_MS

/** Since when an account is inactive, or may become so; null: never active, or churned. */
export const inactivityOf = (
  facts: Facts,
  at: number,
): { readonly silent: boolean; readonly inactiveAt: number | null } => {
  const { silentSince, silenceLimitDays, daysSinceLastActivity, stage } = facts
  if (stage === 'churned') return { silent: false, inactiveAt: null }
  if (silentSince !== null) return { silent: true, inactiveAt: Date.parse(silentSince) }
  if (silenceLimitDays === null || daysSinceLastActivity === null) return { silent: false, inactiveAt: null }
  const today = Math.floor(at / DAY_MS) * DAY_MS
  return { silent: false, inactiveAt: today + (silenceLimitDays - daysSinceLastActivity) * DAY_MS - ZONE_MARGIN_MS }
}
