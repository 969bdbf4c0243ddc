import type { Facts } from '#libs/contracts/account-health.ts'
import type { FactName } from '#libs/contracts/facts.ts'
import type { Condition } from '../conditions/condition.ts'
import type { Rule } from './rule.ts'

/** Facts a rule's answer hangs on; null when it hangs on more than the facts at hand: what it remembers, or traits. */
const READS = new WeakMap<Rule, readonly FactName[] | null>()

/** Whether a rule must answer the same to both: then a change need not be looked at by it. */
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
