import type { MuteContext, Operations } from '../alert/decide-notification.ts'
import { isMutedByOutage, isWaiting } from '../alert/outage.ts'
import { FIRST_STATE, type Rule, type RuleState, type Transition } from '../alert/rule.ts'
import { type KeptState, nextDueOf, type RuleInForce, type RuleStates, someState } from '../alert/rule-states.ts'
import type { SilenceSubject } from '../alert/silence.ts'
import { type Memory, NO_MEMORY } from '../conditions/condition.ts'
import type { RuleResult } from './alert-step.ts'
import { decideAlert } from './decide-alert.ts'

type Instant = {
  readonly at: number
  /** False when only time has passed since the observation. */
  readonly fresh: boolean
}

/** The subject of an evaluation: an account or a monitor, as it was observed last. */
export type Observed = {
  readonly subject: SilenceSubject
  readonly backfill: boolean
  /** Of an account's change, or alerting's own. */
  readonly epoch: () => number
  readonly evaluate: (rule: Rule, memory: Memory, instant: Instant) => RuleResult
  readonly operationsOf: (rule: Rule, state: RuleState, wasMutedByOutage: boolean) => Operations | undefined
}

export type DecisionContext = {
  readonly rules: readonly RuleInForce[]
  readonly silences: MuteContext['silences']
}

export type RuleTransition = Transition & { readonly rule: Rule; readonly state: RuleState }

export type Decision = {
  readonly states: RuleStates
  readonly transitions: readonly RuleTransition[]
  readonly nextCheckAt: number | null
}

export type News = {
  readonly before: Observed | null
  readonly after: Observed
  readonly at: number
  /** Whether the news cannot change the rule's result; absent: they may change every result. */
  readonly isUnchanged?: ((rule: Rule) => boolean) | undefined
}

/** Decides what fell due before the news, each at its own instant, then the news. */
export const decideOnNews = (states: RuleStates, news: News, context: DecisionContext): Decision => {
  const due = catchUp(states, news.before, news.at - 1, context)
  const { after, at, isUnchanged } = news
  return join(due, decideAt(due.states, { observed: after, at, fresh: true, isUnchanged }, context))
}

/** Decides what fell due by `at`, in order, then changed rules and waiting alerts. */
export const decideAsTimePasses = (
  states: RuleStates,
  { observed, at }: { readonly observed: Observed | null; readonly at: number },
  context: DecisionContext,
): Decision => {
  const due = catchUp(states, observed, at, context)
  const changed = context.rules.some(({ rule, version }) => isChanged(due.states[rule.id], rule, version))
  if (observed === null || !(changed || someState(due.states, isWaiting))) return due
  return join(due, decideAt(due.states, { observed, at, fresh: false }, context))
}

const isChanged = (kept: KeptState | undefined, rule: Rule, version: string): boolean =>
  kept === undefined ? rule.enabled : kept.version !== version

const catchUp = (start: RuleStates, observed: Observed | null, until: number, context: DecisionContext): Decision => {
  let decision: Decision = { states: start, transitions: [], nextCheckAt: nextDueOf(context.rules, start) }
  if (observed === null) return decision
  for (const at of dueInstants(() => decision, until))
    decision = join(decision, decideAt(decision.states, { observed, at, fresh: false }, context))
  return decision
}

/** Each instant follows from the decisions at the instants before it. */
function* dueInstants(last: () => Decision, until: number): Generator<number> {
  for (let at = last().nextCheckAt; at !== null && at <= until; at = last().nextCheckAt) yield at
}

const join = (first: Decision, second: Decision): Decision =>
  first.transitions.length === 0 ? second : { ...second, transitions: [...first.transitions, ...second.transitions] }

type Observation = Instant & Pick<News, 'isUnchanged'> & { readonly observed: Observed }

/** Decides about every rule at one instant. Critical rules come first, as they may mute others. */
const decideAt = (before: RuleStates, observation: Observation, { rules, silences }: DecisionContext): Decision => {
  const { observed, at, fresh, isUnchanged } = observation
  let states = before
  const transitions: RuleTransition[] = []
  const wasMutedByOutage = someState(before, isMutedByOutage)
  const muting = rules.filter(({ rule }) => rule.mutes.length > 0)
  for (const { rule, version } of rules) {
    const kept = states[rule.id]
    if (kept === undefined && !rule.enabled) continue
    const same = kept?.version === version
    const isDue = same && kept.state.dueAt !== null && kept.state.dueAt <= at
    if (!fresh && same && !isDue && !isWaiting(kept.state)) continue
    if (same && isUnchanged && isAtRest(kept.state) && isUnchanged(rule)) continue
    const state = same ? kept.state : { ...(kept?.state ?? FIRST_STATE), memory: NO_MEMORY }
    const decision = decideAlert(state, {
      rule,
      at,
      epoch: observed.epoch,
      result: observed.evaluate(rule, state.memory, observation),
      muteContext: {
        subject: observed.subject,
        silences,
        inhibitedBy: inhibitor(rule, muting, states),
        backfill: observed.backfill,
        operations: observed.operationsOf(rule, state, wasMutedByOutage),
      },
    })
    if (same && decision.state === state) continue
    // A due instant that is not later than this one would be due for ever.
    const { dueAt } = decision.state
    const next = dueAt !== null && dueAt <= at ? { ...decision.state, dueAt: null } : decision.state
    if (states === before) states = { ...states }
    ;(states as Record<string, KeptState>)[rule.id] = { version, state: next }
    for (const transition of decision.transitions) transitions.push({ ...transition, rule, state: next })
  }
  return { states, transitions, nextCheckAt: nextDueOf(rules, states) }
}

/** The alert has nothing open, and time alone cannot move it. */
const isAtRest = ({ phase, dueAt }: RuleState): boolean => (phase === 'ok' || phase === 'no_data') && dueAt === null

const inhibitor = (rule: Rule, rules: readonly RuleInForce[], states: RuleStates): string | null =>
  rules.find((other) => other.rule.mutes.includes(rule.id) && isFiring(states[other.rule.id]))?.rule.id ?? null

const isFiring = (kept: KeptState | undefined): boolean => kept?.state.phase === 'firing' && !kept.state.closed
