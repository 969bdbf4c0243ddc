import { expect, test } from 'vitest'
import { factorOf, look } from '../../../../tests/support/scoring/account-history.ts'
import { goldenEvents, goldenModel } from '../../../../tests/support/scoring/golden-example.ts'
import { groupsOf } from './measurements.ts'

const found = look(goldenEvents(), { model: goldenModel })

test.each([
  ['usage.active_ratio', 0.45, 75],
  ['usage.active_days', 15, 95.625],
  ['usage.trend', 0.72, 36.6667],
  ['usage.recency', 1, 100],
  ['adoption.breadth', 0.5, 70],
  ['adoption.depth', 0.3, 57.5],
  ['support.ticket_rate', 2, 65],
  ['support.urgent_open', 0, 100],
  ['support.sla_breach', null, null],
  ['sentiment.nps', 7.5, 65],
  ['sentiment.csat', null, null],
  ['commercial.payment', null, 100],
  ['commercial.plan', null, 80],
  ['commercial.renewal', 252, 100],
  ['relationship.touch', null, null],
  ['relationship.champion', null, null],
])('the example’s %s is %d, worth %d points', (name, value, points) => {
  expect(factorOf(found, name)).toMatchObject({ value, points })
})

test('the specification’s example scores 73.5839 with confidence 0.855, from its five contributions', () => {
  expect(found).toMatchObject({
    score: 73.5839,
    computedScore: 73.5839,
    confidence: 0.855,
    stage: 'adoption',
    band: 'watch',
    caps: [],
  })
  expect(groupsOf(found).map(({ group, contribution }) => [group, contribution])).toEqual([
    ['onboarding', 0],
    ['usage', 26.2155],
    ['adoption', 17.1053],
    ['support', 13.421],
    ['sentiment', 6.8421],
    ['commercial', 10],
    ['relationship', 0],
  ])
  expect(groupsOf(found)[1]).toMatchObject({ weight: 36.8421, points: 71.1563 })
})
