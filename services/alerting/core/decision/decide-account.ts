import { epochOf } from '#libs/contracts/sequence.ts'
import type { MuteContext, Operations } from '../alert/decide-notification.ts'
import type { NotificationPolicy } from '../alert/notification-policy.ts'
import { isInOutage, isMutedByOutage, isSuspected, type Outage, type Suspicion } from '../alert/outage.ts'
import type { Rule, RuleState } from '../alert/rule.ts'
import { readsTheSame } from '../alert/rule-reads.ts'
import type { RuleInForce, RuleStates } from '../alert/rule-states.ts'
import type { Seen } from '../alert/subject.ts'
import { type Decision, decideAsTimePasses, decideOnNews, type Observed } from './decide-instants.ts'
import { evaluateRule } from './evaluate-rule.ts'

export type AccountAlerting = { readonly seen: Seen | null; readonly states: RuleStates }

export type EvaluationContext = {
  readonly accountId: string
  readonly rules: readonly RuleInForce[]
  readonly silences: MuteContext['silences']
  readonly outages?: readonly Outage[]
  readonly suspicion?: Suspicion | null
  /** How long alerts wait whose wait began during a suspicion. */
  readonly holdMs?: number
  readonly policy?: NotificationPolicy | null
}

export const decideOnFacts = (
  { seen: before, states }: AccountAlerting,
  seen: Seen,
  at: number,
  context: EvaluationContext,
): Decision => {
  const isUnchanged = before === null ? undefined : (rule: Rule) => readsTheSame(rule, before.facts, seen.facts)
  const news = { before: before && observe(before, context), after: observe(seen, context), at, isUnchanged }
  return decideOnNews(states, news, context)
}

export const decideOnTime = ({ seen, states }: AccountAlerting, at: number, context: EvaluationContext): Decision =>
  decideAsTimePasses(states, { observed: seen && observe(seen, context), at }, context)

const observe = (seen: Seen, context: EvaluationContext): Observed => {
  const { facts, traits, backfill } = seen
  return {
    subject: { accountId: context.accountId, ownerId: facts.ownerId, traits },
    backfill,
    epoch: () => epochOf(facts.sequence),
    evaluate: (rule, memory, { at, fresh }) => evaluateRule(rule, memory, { facts, traits, at, fresh }),
    operationsOf: (rule, state, wasMutedByOutage) => operationsOf({ rule, state, seen, wasMutedByOutage }, context),
  }
}

type Candidate = {
  readonly rule: Rule
  readonly state: RuleState
  readonly seen: Seen
  readonly wasMutedByOutage: boolean
}

const operationsOf = (
  { rule, state, seen, wasMutedByOutage }: Candidate,
  { outages = [], suspicion = null, holdMs = 0, policy = null }: EvaluationContext,
): Operations | undefined => {
  if (outages.length === 0 && suspicion === null && policy === null && !wasMutedByOutage) return undefined
  const alert = { rule, state, facts: seen.facts, silenceCapMoved: seen.silenceCapMoved ?? false, wasMutedByOutage }
  const isHeld = isMutedByOutage(state) && state.muted === 'held'
  return {
    outage: isInOutage(alert, outages),
    holdMs: isHeld ? holdMs : isSuspected(alert, suspicion) ? suspicion!.holdMs : 0,
    quiet: policy?.quietHours ?? null,
    escalation: policy?.escalation ?? null,
  }
}
