import { expect, test } from 'vitest'
import { curve, largestRemainder, type Measured, onCurve, round4, weigh } from './points.ts'
import { FACTOR_WEIGHTS, STAGE_WEIGHTS } from './reference-model.ts'

const measuredFrom = (measures: Readonly<Record<string, Measured['measure']>>): Record<string, Measured> =>
  Object.fromEntries(
    Object.keys(FACTOR_WEIGHTS).map((factor) => [factor, { measure: measures[factor] ?? null, freshness: 1 }]),
  )

const ofValues = (values: Readonly<Record<string, number>>): Record<string, Measured['measure']> =>
  Object.fromEntries(Object.entries(values).map(([factor, value]) => [factor, onCurve(factor, value)]))

test('the golden example of the specification gives 73.5839, confidence 0.855 and its five contributions', () => {
  const curved = ofValues({
    'usage.active_ratio': 0.45,
    'usage.active_days': 15,
    'usage.trend': 0.72,
    'usage.recency': 1,
    'adoption.breadth': 0.5,
    'adoption.depth': 0.3,
    'support.ticket_rate': 2,
    'support.urgent_open': 0,
    'sentiment.nps': 7.5,
  })
  const whole = weigh(
    measuredFrom({
      ...curved,
      'commercial.payment': { value: null, points: 100 },
      'commercial.plan': { value: null, points: 80 },
      'commercial.renewal': { value: 200, points: 100 },
    }),
    STAGE_WEIGHTS.adoption,
  )
  expect(whole.score).toBe(73.5839)
  expect(whole.confidence).toBe(0.855)
  const contributions = new Map(whole.groups.map(({ group, contribution }) => [group, contribution]))
  expect(Object.fromEntries(contributions)).toEqual({
    onboarding: 0,
    usage: 26.2155,
    adoption: 17.1053,
    support: 13.421,
    sentiment: 6.8421,
    commercial: 10,
    relationship: 0,
  })
  expect(whole.groups[1]?.points).toBe(71.1563)
  for (const group of whole.groups) {
    const ofFactors = group.factors.reduce((sum, { contribution }) => sum + Math.round(contribution * 1e4), 0)
    expect(ofFactors).toBe(Math.round(group.contribution * 1e4))
  }
})

test.each([
  ['usage.active_ratio', 0.45, 75, 'a sixth of the way from .4 (70) to .7 (100) is 5 more'],
  ['usage.active_ratio', 3, 100, 'beyond the last anchor is the last anchor'],
  ['usage.active_days', 15, 95.625, 'seven eighths of the way from 8 (65) to 16 (100)'],
  ['usage.trend', 0.65, 25, 'half of the way from .5 (0) to .8 (50)'],
  ['usage.trend', 0.2, 0, 'before the first anchor is the first anchor'],
  ['usage.recency', 2, 100, 'at an anchor'],
  ['usage.recency', 8, 54.2857, 'a seventh of the way from 7 (60) to 14 (20)'],
  ['adoption.depth', 0.3, 57.5, 'half of the way from .2 (40) to .4 (75)'],
  ['onboarding.progress', 0.9, 85, 'half of the way from .8 (70) to 1 (100)'],
  ['onboarding.stall', 10.5, 60, 'half of the way from 7 (80) to 14 (40)'],
  ['support.ticket_rate', 2, 65, 'half of the way from 1 (80) to 3 (50)'],
  ['support.urgent_open', 5, 0, 'beyond the last anchor'],
  ['support.sla_breach', 0.175, 50, 'half of the way from .1 (70) to .25 (30)'],
  ['sentiment.nps', 7.5, 65, 'half of the way from 7 (55) to 8 (75)'],
  ['sentiment.csat', 0.8, 75, 'half of the way from .7 (50) to .9 (100)'],
  ['relationship.touch', 75, 50, 'half of the way from 60 (70) to 90 (30)'],
])('%s at %s is %s points: %s', (factor, value, points) => {
  expect(round4(curve(factor, value))).toBe(points)
})

test('half of the fourth decimal goes away from zero, also when a float sits just below the half', () => {
  expect(round4(0.00005)).toBe(0.0001)
  expect(round4(-0.00005)).toBe(-0.0001)
  expect(round4(1.00004999999995)).toBe(1.0001)
  expect(round4(1.0000499)).toBe(1)
})

test('shares sum to the whole, the largest remainder first, ties by order', () => {
  expect(largestRemainder([1.5, 1.5, 1], 4)).toEqual([2, 1, 1])
  expect(largestRemainder([0.4, 0.7, 0.4], 2)).toEqual([1, 1, 0])
  expect(largestRemainder([0.4, 0.4 + 1e-6, 0.2], 1)).toEqual([1, 0, 0])
})

test('a stale factor weighs less in its group, and its group less in the score', () => {
  const measures = ofValues({ 'sentiment.nps': 8, 'sentiment.csat': 0.9, 'usage.recency': 2 })
  const measured = measuredFrom(measures)
  measured['sentiment.nps'] = { measure: measures['sentiment.nps']!, freshness: 0.5 }
  const whole = weigh(measured, STAGE_WEIGHTS.adoption)
  // sentiment: (25 x 75 + 50 x 100) / 75 = 91.6667; weight 10 x 75/100 = 7.5; usage 35 at 100: 42.5
  // in all
  expect(whole.groups[4]?.points).toBe(91.6667)
  expect(whole.groups[4]?.weight).toBe(round4((7.5 / 42.5) * 100))
  expect(whole.score).toBe(round4((7.5 * 91.6666666667 + 35 * 100) / 42.5))
  // 35 x 10/100 of usage and 10 x 75/100 of sentiment
  expect(whole.confidence).toBe(0.11)
})
