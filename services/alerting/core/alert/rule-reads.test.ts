import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Facts } from '#libs/contracts/account-health.ts'
import { facts, rule } from '../../../../tests/support/alerting/alert-script.ts'
import { readShippedRules } from '../../rules/shipped-rules.ts'
import { type AccountAlerting, decideOnFacts, decideOnTime } from '../decision/decide-account.ts'
import type { RuleInForce } from './rule-states.ts'
import type { Seen } from './subject.ts'

const shipped = [...readShippedRules().values()]
  .map(({ rule: one }) => one)
  .filter(({ about }) => about.kind === 'account')
const own = [
  rule({ id: 'by_trait', when: { fact: 'score', op: '<', value: 60 }, filter: { traits: { plan: ['pro'] } } }),
  rule({ id: 'by_stage', when: { fact: 'mrr', op: '>', value: 1 }, filter: { stages: ['renewal'] } }),
  rule({ id: 'by_two', when: { fact: 'daysSinceLastActivity', op: '>', than: 'silenceLimitDays' } }),
  rule({ id: 'slowly', when: { fact: 'seatUse', op: '>=', value: 0.8 }, dwellMs: 7_200_000 }),
  rule({ id: 'off', when: { fact: 'score', op: 'known' }, enabled: false }),
]
const rules: RuleInForce[] = [...shipped, ...own].map((one) => ({ rule: one, version: 'v' }))

/** Few values, so that many facts stay as they were. */
const change = fc.record({
  hours: fc.integer({ min: 0, max: 200 }),
  backfill: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  traits: fc.constantFrom({}, { plan: 'pro' }),
  facts: fc.record(
    {
      score: fc.constantFrom(20, 45, 55, 80),
      band: fc.constantFrom('healthy' as const, 'at_risk' as const, 'critical' as const, 'insufficient_data' as const),
      stage: fc.constantFrom('adoption' as const, 'renewal' as const),
      scoreDelta28d: fc.constantFrom(null, -16, -25, 0),
      silentSince: fc.constantFrom(null, '2026-01-01T00:00:00.000Z'),
      daysSinceLastActivity: fc.constantFrom(0, 20),
      paymentFailedDays: fc.constantFrom(null, 3),
      renewalInDays: fc.constantFrom(null, 30),
      seatUse: fc.constantFrom(null, 0.9),
      mrr: fc.constantFrom(null, 5),
      cancelScheduled: fc.boolean(),
    },
    { requiredKeys: [] },
  ),
})

/** Facts of which none equals any: every rule looks again. */
const OTHER = Object.fromEntries(Object.keys(facts()).map((name) => [name, Symbol(name)])) as unknown as Facts

test('a rule that is not asked again because nothing it reads has changed would have said nothing', () => {
  let transitions = 0
  fc.assert(
    fc.property(fc.array(change, { minLength: 2, maxLength: 25, size: 'max' }), (changes) => {
      let quick: AccountAlerting = { seen: null, states: {} }
      let thorough: AccountAlerting = quick
      let at = 1_800_000_000_000
      let held: Partial<Facts> = {}
      changes.forEach((one, i) => {
        at += one.hours * 3_600_000
        held = { ...held, ...one.facts }
        const seen: Seen = { facts: facts({ ...held, sequence: i + 1 }), traits: one.traits, backfill: one.backfill }
        const around = { accountId: 'a', rules, silences: [] }
        const decided = decideOnFacts(quick, seen, at, around)
        const due = decideOnTime(thorough, at - 1, around)
        const before = thorough.seen && { ...thorough.seen, facts: OTHER }
        const asked = decideOnFacts({ seen: before, states: due.states }, seen, at, around)
        expect(decided).toEqual({ ...asked, transitions: [...due.transitions, ...asked.transitions] })
        transitions += decided.transitions.length
        quick = { seen, states: decided.states }
        thorough = { seen, states: asked.states }
      })
    }),
    { numRuns: 300 },
  )
  expect(transitions).toBeGreaterThan(1_000)
})
