import { earliest } from '../conditions/condition.ts'
import type { Rule, RuleState } from './rule.ts'

/** A rule with its version. A state of another version loses what its condition remembers. */
export type RuleInForce = { readonly rule: Rule; readonly version: string }

export type KeptState = { readonly version: string; readonly state: RuleState }
/** States of one account or monitor, by rule. */
export type RuleStates = Readonly<Record<string, KeptState>>

export const someState = (states: RuleStates, holds: (state: RuleState) => boolean): boolean => {
  for (const ruleId in states) if (holds(states[ruleId]!.state)) return true
  return false
}

/** As `nextDue`, of these rules only: a rule that is left out decides nothing, and is never due. */
export const nextDueOf = (rules: readonly RuleInForce[], states: RuleStates): number | null => {
  let due: number | null = null
  for (const { rule } of rules) {
    const kept = states[rule.id]
    if (kept !== undefined) due = earliest(due, kept.state.dueAt)
  }
  return due
}

export const nextDue = (states: RuleStates): number | null => {
  let due: number | null = null
  for (const ruleId in states) due = earliest(due, states[ruleId]!.state.dueAt)
  return due
}
