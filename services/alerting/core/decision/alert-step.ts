import type { ConditionResult, Move } from '../alert/alert-state-machine.ts'
import type { MuteContext, NotificationDecision } from '../alert/decide-notification.ts'
import type { Rule, RuleState, Transition, TransitionKind } from '../alert/rule.ts'
import { earliest, type Memory } from '../conditions/condition.ts'

export type RuleResult = ConditionResult & {
  readonly memory: Memory
  readonly dueAt: number | null
  /** The score is in a band below the line. */
  readonly isBelow: boolean
}

export type AlertInput = {
  readonly rule: Rule
  readonly result: RuleResult
  readonly at: number
  /** Episodes that open begin above those of earlier epochs; absent: the first. */
  readonly epoch?: (() => number) | undefined
  readonly muteContext: MuteContext
}

export type StepContext = AlertInput & {
  readonly move: Move
  /** Why an alert that opens without a dwell opens. */
  readonly opening: 'crossed' | 'first_known_below'
}

export type AlertDecision = { readonly state: RuleState; readonly transitions: readonly Transition[] }

/** One step of a decision: it sees what the steps before it decided. */
export type AlertStep = (decision: AlertDecision, context: StepContext) => AlertDecision

export const change = (decision: AlertDecision, changes: Partial<RuleState>): AlertDecision => ({
  ...decision,
  state: { ...decision.state, ...changes },
})

/** Has the rule evaluated again at `at`, or earlier. */
export const checkAt = (decision: AlertDecision, at: number): AlertDecision => {
  const dueAt = earliest(decision.state.dueAt, at)
  return dueAt === decision.state.dueAt ? decision : change(decision, { dueAt })
}

type Entry = {
  readonly kind: TransitionKind
  readonly reason: string
  readonly notification: NotificationDecision
}

/** Adds a transition. A closed episode has no more of them. */
export const record = (decision: AlertDecision, at: number, { kind, reason, notification }: Entry): AlertDecision => {
  const { state, transitions } = decision
  if (state.closed) return decision
  const position = state.transitions + 1
  const notifying = notification.told ? ({ told: true } as const) : ({ told: false, why: notification.why } as const)
  return {
    state: { ...state, transitions: position },
    transitions: [...transitions, { kind, reason, at, episode: state.episode, position, notifying }],
  }
}
