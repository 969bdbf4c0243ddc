import type { Facts } from '#libs/contracts/account-health.ts'
import { earliest, NO_MEMORY } from '../conditions/condition.ts'
import { decideAlert, type Observation } from './decide-alert.ts'
import type { MuteContext, Operations } from './decide-notification.ts'
import type { NotificationPolicy } from './notification-policy.ts'
import { isInOutage, isMutedByOutage, isSuspected, isWaiting, type Outage, type Suspicion } from './outage.ts'
import { FIRST_STATE, type Rule, type RuleState, type Transition } from './rule.ts'
import { readsTheSame } from './rule-reads.ts'
import type { Seen } from './subject.ts'

/** A rule with the version its states belong to: what they remember of another version's condition is forgotten. */
export type RuleInForce = { readonly rule: Rule; readonly version: string }

export type KeptState = { readonly version: string; readonly state: RuleState }
export type RuleStates = Readonly<Record<string, KeptState>>

export type AccountAlerting = { readonly seen: Seen | null; readonly states: RuleStates }

export type RuleTransition = Transition & { readonly rule: Rule; readonly state: RuleState }

export type AccountDecision = {
  readonly states: RuleStates
  readonly transitions: readonly RuleTransition[]
  readonly nextCheckAt: number | null
}

export type EvaluationContext = {
  /** Null for what is no account. */
  readonly accountId: string | null
  readonly rules: readonly RuleInForce[]
  readonly silences: MuteContext['silences']
  readonly outages?: readonly Outage[]
  /** An outage may be about to show. */
  readonly suspicion?: Suspicion | null
  /** How long alerts wait that began to wait when there was a suspicion. */
  readonly holdMs?: number
  readonly policy?: NotificationPolicy | null
}

/** New facts of an account: first what fell due before them, each at its own instant and by the facts of then, then the new ones. */
export const decideOnFacts = (
  account: AccountAlerting,
  seen: Seen,
  at: number,
  around: EvaluationContext,
): AccountDecision => {
  const caughtUp = catchUp(account, at - 1, around)
  const before = { states: caughtUp.states, facts: account.seen?.facts ?? null }
  const now = step(before, seen, { facts: seen.facts, at, fresh: true }, around)
  return { ...now, transitions: [...caughtUp.transitions, ...now.transitions] }
}

/** Only time has passed: the steps that are due, in order of their instants, whenever this runs; then rules that have changed since, and alerts that wait. */
export const decideOnTime = (account: AccountAlerting, at: number, around: EvaluationContext): AccountDecision => {
  const caughtUp = catchUp(account, at, around)
  const changed = around.rules.some(({ rule, version }) => isChanged(caughtUp.states[rule.id], rule, version))
  if (account.seen === null || !(changed || some(caughtUp.states, isWaiting))) return caughtUp
  const before = { states: caughtUp.states, facts: null }
  const now = step(before, account.seen, { facts: account.seen.facts, at, fresh: false }, around)
  return { ...now, transitions: [...caughtUp.transitions, ...now.transitions] }
}

const catchUp = (account: AccountAlerting, until: number, around: EvaluationContext): AccountDecision => {
  const transitions: RuleTransition[] = []
  let states = account.states
  for (;;) {
    const dueAt = nextDue(states)
    if (account.seen === null || dueAt === null || dueAt > until) return { states, transitions, nextCheckAt: dueAt }
    const done = step(
      { states, facts: null },
      account.seen,
      { facts: account.seen.facts, at: dueAt, fresh: false },
      around,
    )
    transitions.push(...done.transitions)
    states = done.states
  }
}

const isChanged = (kept: KeptState | undefined, rule: Rule, version: string): boolean =>
  kept === undefined ? rule.enabled : kept.version !== version

/** `facts` of the change before: null when all rules are to look. */
type Before = { readonly states: RuleStates; readonly facts: Facts | null }

const step = (before: Before, seen: Seen, observation: Observation, around: EvaluationContext): AccountDecision => {
  const { rules, accountId, silences } = around
  let { states } = before
  const transitions: RuleTransition[] = []
  const wasMutedByOutage = some(states, isMutedByOutage)
  const subject = { accountId, ownerId: seen.facts.ownerId, traits: seen.traits }
  const muting = rules.filter(({ rule }) => rule.mutes.length > 0)
  // Critical rules first: whether they fire decides who else is told.
  for (const { rule, version } of rules) {
    const kept = states[rule.id]
    if (kept === undefined && !rule.enabled) continue
    const same = kept?.version === version
    const isDue = same && kept.state.dueAt !== null && kept.state.dueAt <= observation.at
    if (!observation.fresh && same && !isDue && !isWaiting(kept.state)) continue
    if (same && before.facts && isAtRest(kept.state) && readsTheSame(rule, before.facts, observation.facts)) continue
    const state = same ? kept.state : { ...(kept?.state ?? FIRST_STATE), memory: NO_MEMORY }
    const muteContext: MuteContext = {
      subject,
      silences,
      inhibitedBy: inhibitor(rule, muting, states),
      backfill: seen.backfill,
      operations: operationsOf(rule, state, seen, around, wasMutedByOutage),
    }
    const decision = decideAlert(rule, state, observation, muteContext)
    if (same && decision.state === state) continue
    // What is not later than this step would be due for ever.
    const { dueAt } = decision.state
    const next = dueAt !== null && dueAt <= observation.at ? { ...decision.state, dueAt: null } : decision.state
    if (states === before.states) states = { ...states }
    ;(states as Record<string, KeptState>)[rule.id] = { version, state: next }
    for (const transition of decision.transitions) transitions.push({ ...transition, rule, state: next })
  }
  return { states, transitions, nextCheckAt: nextDue(states) }
}

/** It has nothing open, and nothing that time alone would move. */
const isAtRest = ({ phase, dueAt }: RuleState): boolean => (phase === 'ok' || phase === 'no_data') && dueAt === null

const some = (states: RuleStates, holds: (state: RuleState) => boolean): boolean => {
  for (const ruleId in states) if (holds(states[ruleId]!.state)) return true
  return false
}

const operationsOf = (
  rule: Rule,
  state: RuleState,
  seen: Seen,
  { outages = [], suspicion = null, holdMs = 0, policy = null }: EvaluationContext,
  wasMutedByOutage: boolean,
): Operations | undefined => {
  if (outages.length === 0 && suspicion === null && policy === null && !wasMutedByOutage) return undefined
  const alert = { rule, state, facts: seen.facts, silenceCapMoved: seen.silenceCapMoved ?? false, wasMutedByOutage }
  const waits =
    isMutedByOutage(state) && state.muted === 'held' ? holdMs : isSuspected(alert, suspicion) ? suspicion!.holdMs : 0
  return {
    outage: isInOutage(alert, outages),
    holdMs: waits,
    quiet: policy?.quietHours ?? null,
    escalation: policy?.escalation ?? null,
  }
}

const inhibitor = (rule: Rule, rules: readonly RuleInForce[], states: RuleStates): string | null =>
  rules.find((other) => other.rule.mutes.includes(rule.id) && isFiring(states[other.rule.id]))?.rule.id ?? null

const isFiring = (kept: KeptState | undefined): boolean => kept?.state.phase === 'firing' && !kept.state.closed

/** Earliest instant at which a rule must look again. */
export const nextDue = (states: RuleStates): number | null => {
  let due: number | null = null
  for (const ruleId in states) due = earliest(due, states[ruleId]!.state.dueAt)
  return due
}
