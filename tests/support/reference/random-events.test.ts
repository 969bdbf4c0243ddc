import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ReferenceHealth, referenceHealth } from './health.ts'
import { randomAccount } from './random-events.ts'

test('random accounts reach every stage, factor, cap and band, so a comparison over them leaves nothing out', () => {
  const seen = new Set<string>()
  const note = (health: ReferenceHealth): void => {
    seen.add(health.stage).add(health.band)
    for (const { cap } of health.caps) seen.add(cap)
    for (const { factor, status } of health.groups.flatMap(({ factors }) => factors)) seen.add(`${factor} ${status}`)
    for (const [fact, value] of Object.entries(health.facts)) if (value !== null && value !== false) seen.add(fact)
  }
  const accounts = fc.sample(randomAccount(), { numRuns: 400, seed: 7 })
  for (const { events, ...options } of accounts) note(referenceHealth(events, options))
  const wanted = [
    ...['onboarding', 'adoption', 'renewal', 'churned', 'healthy', 'watch', 'at_risk', 'critical', 'insufficient_data'],
    ...['cancelled', 'payment_failed', 'silent', 'champion_removed', 'urgent_ticket_open'],
    ...['onboarding.progress', 'onboarding.stall', 'onboarding.first_value', 'usage.trend', 'adoption.breadth'].map(
      (factor) => `${factor} measured`,
    ),
    ...['sentiment.csat measured', 'commercial.renewal measured', 'relationship.champion measured'],
    ...['sentiment.nps stale', 'support.sla_breach measured', 'usage.recency stale', 'planUse', 'seatUse', 'mrr'],
    ...['onboardingOverdueDays', 'onboardingStalledDays', 'silentSince', 'cancelScheduled', 'detractorWithin90d'],
  ]
  expect(wanted.filter((name) => !seen.has(name))).toEqual([])
})

test('the reference itself does not depend on the order of events, and its contributions sum to the score before caps', () => {
  fc.assert(
    fc.property(randomAccount(), ({ events, ...options }) => {
      const once = events.filter(
        (event, index) => events.findIndex(({ id, source }) => id === event.id && source === event.source) === index,
      )
      const health = referenceHealth(events, options)
      expect(referenceHealth([...once].reverse(), options)).toEqual(health)
      const whole = (value: number): number => Math.round(value * 1e4)
      const before = health.groups.reduce((sum, { contribution }) => sum + whole(contribution), 0)
      const caps = health.caps.reduce((sum, { delta }) => sum + whole(delta), 0)
      expect(before + caps).toBe(whole(health.score ?? 0))
      for (const { contribution, factors } of health.groups) {
        expect(factors.reduce((sum, factor) => sum + whole(factor.contribution), 0)).toBe(whole(contribution))
      }
    }),
    { numRuns: 100 },
  )
})
