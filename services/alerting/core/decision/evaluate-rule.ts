import type { Facts } from '#libs/contracts/account-health.ts'
import type { Rule } from '../alert/rule.ts'
import { type Memory, NO_MEMORY } from '../conditions/condition.ts'
import { evaluate } from '../conditions/evaluate-condition.ts'
import type { RuleResult } from './alert-step.ts'

export type AccountObservation = {
  readonly facts: Facts
  readonly traits: Readonly<Record<string, unknown>>
  readonly at: number
  readonly fresh: boolean
}

export const evaluateRule = (rule: Rule, memory: Memory, observation: AccountObservation): RuleResult => {
  const { band } = observation.facts
  const isBelow = rule.kind === 'threshold' && (band === 'at_risk' || band === 'critical')
  const out = { when: false, recovers: true, dueAt: null, isBelow } as const
  if (!rule.enabled) return { ...out, scope: 'switched_off', memory }
  if (!isInScope(rule, observation)) return { ...out, scope: 'left_out', memory: NO_MEMORY }
  if (rule.kind === 'threshold' && band === 'insufficient_data')
    return { when: null, recovers: null, scope: 'in', memory, dueAt: null, isBelow }
  const verdict = evaluate(rule, observation, memory)
  const { when, recovers, dueAt } = verdict
  return { when, recovers, scope: 'in', memory: verdict.memory, dueAt, isBelow }
}

const isInScope = ({ filter }: Rule, { facts, traits }: AccountObservation): boolean =>
  (filter.stages === undefined || filter.stages.includes(facts.stage)) &&
  (filter.traits === undefined ||
    Object.entries(filter.traits).every(([name, values]) => values.includes(traits[name])))
