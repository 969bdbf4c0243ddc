import type { Facts } from '#libs/contracts/account-health.ts'
import type { FactName } from '#libs/contracts/facts.ts'
import type { Condition } from '../conditions/condition.ts'
import type { Rule } from './rule.ts'

/** Facts that decide a rule's result; null when its memory or traits decide too. */
const READS = new WeakMap<Rule, readonly FactName[] | null>()

/** Whether a rule has the same result for both, so that it need not be evaluated. */
export const readsTheSame = (rule: Rule, before: Facts, after: Facts): boolean => {
  let reads = READS.get(rule)
  if (reads === undefined) {
    reads = readsOf(rule)
    READS.set(rule, reads)
  }
  if (reads === null) return false
  for (const name of reads) if (before[name] !== after[name]) return false
  return true
}

const readsOf = ({ when, recovers, filter, kind }: Rule): readonly FactName[] | null => {
  const names = filter.traits === undefined ? namesIn({ all: [when, recovers] }) : null
  if (names === null) return null
  const more: FactName[] = [
    ...(filter.stages ? (['stage'] as const) : []),
    ...(kind === 'threshold' ? (['band'] as const) : []),
  ]
  return [...new Set([...names, ...more])]
}

const namesIn = (condition: Condition): readonly FactName[] | null => {
  if ('not' in condition) return namesIn(condition.not)
  if ('all' in condition || 'any' in condition) {
    const parts = ('all' in condition ? condition.all : condition.any).map(namesIn)
    return parts.every((part) => part !== null) ? parts.flat() : null
  }
  if ('fact' in condition) return 'than' in condition ? [condition.fact, condition.than] : [condition.fact]
  return null
}
