import type { Facts } from '#libs/contracts/account-health.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#libs/runtime/durations.ts'
import type { MuteReason, Rule, RuleState } from './rule.ts'

/** Something bigger than one account is quiet: while that lasts, these rules of accounts are not told. */
export type Outage = {
  readonly mutes: readonly string[]
  /** A source was last heard then: accounts seen later are fed by another one. Null: all accounts are concerned. */
  readonly quietSince: number | null
}

/** So many accounts are silent or near it that an outage may be about to show: alerts of these rules wait a little. */
export type Suspicion = { readonly mutes: readonly string[]; readonly holdMs: number }

/** It is not told of every event that a source was heard. */
const ACTIVITY_MARGIN_MS = 10 * MINUTE_MS

/** Mutes that end with an outage, or with the suspicion of one. */
export const OUTAGE_MUTES: readonly MuteReason[] = ['outage', 'held']

export const isMutedByOutage = (state: Pick<RuleState, 'phase' | 'muted' | 'told'>): boolean =>
  state.phase === 'firing' && !state.told && state.muted !== null && OUTAGE_MUTES.includes(state.muted)

/** An alert that is told as soon as what keeps it from being told has passed, or been changed by people. */
export const isWaiting = (state: Pick<RuleState, 'phase' | 'muted' | 'told'>): boolean =>
  isMutedByOutage(state) || (state.phase === 'firing' && !state.told && state.muted === 'quiet_hours')

/** What a rule of an account is looked at with. */
export type OutageCandidate = {
  readonly rule: Pick<Rule, 'id' | 'kind' | 'momentary'>
  readonly state: Pick<RuleState, 'phase' | 'muted' | 'told'>
  readonly facts: Facts
  /** The silence cap took points of the score, or gave them back, in the change at hand. */
  readonly silenceCapMoved: boolean
  /** An alert of the account was muted by an outage when this step began. */
  readonly wasMutedByOutage: boolean
}

/**
 * Whether an alert is of those an outage explains: of a rule it mutes, or of a score that only the silence cap moved. What an outage has hushed it hushes
 * until it ends; and an account whose fall was not told is not told to be back.
 */
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

/** Days of a tenant are cut in its own time zone: a local day begins at most this much before the day in UTC. */
const ZONE_MARGIN_MS = 16 * HOUR_MS

/** Since when an account is silent or, by the days it was not seen, when it will be at the earliest; null: it was never active, or is gone. */
export const quietOf = (facts: Facts, at: number): { readonly silent: boolean; readonly quietAt: number | null } => {
  const { silentSince, silenceLimitDays, daysSinceLastActivity, stage } = facts
  if (stage === 'churned') return { silent: false, quietAt: null }
  if (silentSince !== null) return { silent: true, quietAt: Date.parse(silentSince) }
  if (silenceLimitDays === null || daysSinceLastActivity === null) return { silent: false, quietAt: null }
  const today = Math.floor(at / DAY_MS) * DAY_MS
  return { silent: false, quietAt: today + (silenceLimitDays - daysSinceLastActivity) * DAY_MS - ZONE_MARGIN_MS }
}
