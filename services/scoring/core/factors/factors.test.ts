import { expect, test } from 'vitest'
import type { Model } from '#libs/contracts/health-model.ts'
import { event, factorOf, look, NOW, settled, testModel } from '../../../../tests/support/scoring/account-history.ts'
import { groupsOf } from '../evaluation/measurements.ts'
import type { CountedEvent } from '../events/event.ts'

const times = (count: number, make: (index: number) => CountedEvent): CountedEvent[] =>
  Array.from({ length: count }, (_, index) => make(index))
const users = (count: number, daysAgo = 1): CountedEvent[] =>
  times(count, (index) => event('Signed In', daysAgo, {}, `u${index}`))
const core = (count: number, daysAgo: number): CountedEvent[] =>
  times(count, (index) => event('Feature Used', daysAgo, { core: true, feature: `f${index}` }, `u${index}`))
const seats = (count: number) => event('group', 90, { seats: count })
const tickets = (count: number, properties: object = {}) =>
  times(count, (index) => event('Support Ticket Opened', 5, { ticketId: `t${index}`, ...properties }))
const steps = (count: number) => ({ steps: times(count, () => event('x', 0)).map((_, index) => `s${index}`) })
const done = (index: number, daysAgo: number) => event('Onboarding Step Completed', daysAgo, { stepId: `s${index}` })
const contract = (renewalDate: string, autoRenew: boolean) =>
  event('Subscription Started', 50, { renewalDate, autoRenew })

type Row = [
  factor: string,
  events: readonly CountedEvent[],
  value: number | null,
  points: number | null,
  model?: Partial<Model>,
]

const rows: Row[] = [
  ['usage.active_ratio', [seats(10), ...users(2)], 0.2, 40],
  ['usage.active_ratio', [seats(10), ...users(3)], 0.3, 55],
  ['usage.active_ratio', [seats(10), ...users(7)], 0.7, 100],
  ['usage.active_ratio', [...users(3), event('Signed In', 40, {}, 'gone')], 0.75, 100],
  ['usage.active_ratio', [seats(10), event('Signed In', 1)], null, null],
  ['usage.active_ratio', [event('Signed In', 27, {}, 'a'), event('Signed In', 28, {}, 'b')], 0.5, 80],
  ['usage.active_days', times(8, (day) => event('Signed In', day)), 8, 65],
  ['usage.active_days', [...times(10, (day) => event('Signed In', day)), event('Signed In', 3)], 10, 73.75],
  ['usage.active_days', [event('Signed In', 28)], 0, 0],
  ['usage.active_days', [event('Signed Out', 1)], null, null],
  ['usage.trend', [...core(20, 20), ...core(10, 2)], 1, 80],
  ['usage.trend', [...core(20, 14), ...core(10, 13)], 1, 80],
  ['usage.trend', [...core(19, 20), ...core(10, 2)], null, null],
  ['usage.trend', [...core(45, 41), ...core(15, 2)], 0.7, 33.3333],
  ['usage.recency', [event('Signed In', 2)], 2, 100],
  ['usage.recency', [event('Signed In', 10.6)], 11, 37.1429],
  ['usage.recency', [event('Signed In', 21)], 21, 0],
  ['usage.recency', [event('Ping', 1)], null, null, { features: { Ping: null } }],
  ['adoption.breadth', [event('Feature Used', 1, { feature: 'a' })], 0.25, 40, { coreFeatures: ['a', 'b', 'c', 'd'] }],
  ['adoption.breadth', [event('group', 9, { entitledFeatures: ['f0', 'f9'] }), ...core(3, 2)], 0.5, 70],
  ['adoption.breadth', [...core(2, 40), ...core(1, 2)], 0.5, 70],
  ['adoption.breadth', [event('Report Run', 1)], 1, 100, { coreFeatures: ['rep'], features: { 'Report Run': 'rep' } }],
  ['adoption.breadth', [event('Signed In', 1)], null, null],
  ['adoption.depth', [...users(10), ...core(3, 2)], 0.3, 57.5],
  ['adoption.depth', [...users(10), ...core(4, 2)], 0.4, 75],
  ['adoption.depth', [event('Signed In', 1)], null, null],
  ['onboarding.progress', [event('Onboarding Started', 44, steps(4)), done(0, 30), done(1, 20)], 1, 100],
  ['onboarding.progress', [event('Onboarding Started', 89, steps(4)), done(0, 30), done(1, 20)], 0.5, 40],
  ['onboarding.progress', [event('Onboarding Started', 89, { stepCount: 4 }), done(0, 30)], 0.25, 20],
  ['onboarding.progress', [event('Onboarding Started', 89)], null, null],
  ['onboarding.stall', [event('Onboarding Started', 30, steps(3)), done(0, 7), done(9, 1), done(0, 1)], 7, 80],
  ['onboarding.stall', [event('Onboarding Started', 14, steps(3))], 14, 40],
  ['onboarding.stall', [event('Onboarding Started', 40, steps(1)), done(0, 39)], 0, 100],
  ['onboarding.first_value', [event('Onboarding Started', 40, steps(2)), event('Goal Achieved', 26)], 14, 100],
  ['onboarding.first_value', [event('Onboarding Started', 40, steps(2)), event('Goal Achieved', 25)], 15, 50],
  ['onboarding.first_value', [event('Onboarding Started', 14, steps(2))], null, null],
  ['onboarding.first_value', [event('Onboarding Started', 15, steps(2))], null, 0],
  ['support.ticket_rate', [...tickets(1), ...users(10)], 1, 80],
  ['support.ticket_rate', [...tickets(2), ...users(10)], 2, 65],
  ['support.ticket_rate', [event('Support Ticket Opened', 28, { ticketId: 'a' })], 0, 90],
  ['support.urgent_open', tickets(1, { priority: 'high' }), 1, 40],
  [
    'support.urgent_open',
    [...tickets(2, { priority: 'urgent' }), event('Support Ticket Resolved', 1, { ticketId: 't0' })],
    1,
    40,
  ],
  [
    'support.urgent_open',
    [...tickets(2, { priority: 'urgent' }), event('Support Ticket Updated', 1, { ticketId: 't0', priority: 'low' })],
    1,
    40,
  ],
  ['support.urgent_open', tickets(2, { priority: 'low' }), 0, 100],
  [
    'support.sla_breach',
    [...tickets(4), event('Support Ticket Updated', 1, { ticketId: 't1', slaBreached: true })],
    0.25,
    30,
  ],
  ['support.sla_breach', [event('Support Ticket Opened', 30, { slaBreached: true })], null, null],
  [
    'sentiment.nps',
    [
      event('NPS Responded', 9, { score: 6 }, 'a'),
      event('NPS Responded', 5, { score: 9 }, 'a'),
      event('NPS Responded', 5, { score: 8 }, 'b'),
    ],
    8.5,
    82.5,
  ],
  ['sentiment.nps', [event('NPS Responded', 9, { score: 7 }), event('NPS Responded', 5, { score: 7 })], 7, 55],
  ['sentiment.nps', [event('NPS Responded', 9, { score: 11 }), event('NPS Responded', 9, { score: '9' })], null, null],
  ['sentiment.nps', [event('NPS Responded', 180, { score: 9 })], null, null],
  [
    'sentiment.csat',
    [4, 8, 2, 1, 5].map((score) => event('CSAT Responded', 9, score === 8 ? { score, scale: 10 } : { score })),
    0.6,
    25,
  ],
  ['sentiment.csat', [4, 5].map((score) => event('CSAT Responded', 9, { score })), null, null],
  ['commercial.payment', [event('Invoice Paid', 9)], null, 100],
  ['commercial.payment', [event('Payment Failed', 7)], 7, 50],
  ['commercial.payment', [event('Invoice Overdue', 8)], 8, 20],
  ['commercial.payment', [event('Payment Failed', 31), event('Invoice Payment Failed', 3)], 31, 0],
  ['commercial.payment', [event('Payment Failed', 31), event('Invoice Paid', 10), event('Payment Failed', 3)], 3, 50],
  ['commercial.plan', [event('Subscription Started', 9)], null, 80],
  ['commercial.plan', [event('Subscription Upgraded', 9), event('Subscription Downgraded', 8)], null, 20],
  ['commercial.plan', [event('Subscription Upgraded', 90)], null, 100],
  ['commercial.plan', [event('Subscription Downgraded', 91)], null, 80],
  ['commercial.renewal', [contract('2026-12-22', true)], 30, 100],
  ['commercial.renewal', [contract('2026-12-22', false)], 30, 0],
  ['commercial.renewal', [contract('2026-12-23', false)], 31, 30],
  ['commercial.renewal', [contract('2027-01-22', false)], 61, 100],
  ['commercial.renewal', [contract('2026-11-01', false)], -21, 0],
  ['commercial.renewal', [event('Subscription Started', 9)], null, null],
  [
    'relationship.touch',
    [event('Touchpoint Logged', 45, { kind: 'qbr' }), event('Touchpoint Logged', 3, { kind: 'email' })],
    45,
    85,
  ],
  ['relationship.touch', [event('Touchpoint Logged', 3, { kind: 'email' })], null, null],
  ['relationship.champion', [event('Champion Changed', 50, { to: 'u0' }), ...users(1, 14)], 14, 100],
  ['relationship.champion', [event('Champion Changed', 50, { to: 'u0' }), ...users(1, 15)], 15, 50],
  ['relationship.champion', [event('Champion Changed', 50, { to: 'u0' }), ...users(1, 31)], 31, 0],
  ['relationship.champion', [event('Champion Changed', 50, { to: 'nobody' })], null, 0],
  ['relationship.champion', [event('Champion Changed', 50, { to: 'a' }), event('Champion Changed', 3, {})], null, 0],
]

test.each(rows)('%s, row %#: the value and points its definition gives', (name, events, value, points, model = {}) => {
  const found = look(events, { model: testModel(model) })
  expect(factorOf(found, name)).toMatchObject({ value, points, status: points === null ? 'no_data' : 'measured' })
})

test('an old answer fades: fresh for 90 days, gone at 180, and the sentiment group fades with it', () => {
  const answered = (daysAgo: number) => look([...settled(), event('NPS Responded', daysAgo, { score: 9 }), ...users(1)])
  expect(factorOf(answered(90), 'sentiment.nps')).toMatchObject({ freshness: 1, status: 'measured', points: 90 })
  expect(factorOf(answered(135), 'sentiment.nps')).toMatchObject({ freshness: 0.5, status: 'stale', points: 90 })
  expect(answered(135).confidence).toBe(answered(90).confidence - 0.025)
  expect(factorOf(answered(180), 'sentiment.nps').status).toBe('no_data')
})

test('a connected group counts what was never reported as zero, but invents no value where there is no zero', () => {
  const connected = ['usage', 'adoption', 'support', 'sentiment', 'commercial', 'relationship'] as const
  const found = look([event('group', 9, { seats: 5 })], { model: testModel({ connected, coreFeatures: ['a'] }) })
  const points = Object.fromEntries(
    groupsOf(found).flatMap(({ factors }) => factors.map((factor) => [factor.factor, factor.points])),
  )
  expect(points).toMatchObject({
    'usage.active_ratio': 0,
    'usage.active_days': 0,
    'usage.trend': null,
    'usage.recency': null,
    'adoption.breadth': 0,
    'adoption.depth': null,
    'support.ticket_rate': 90,
    'support.urgent_open': 100,
    'support.sla_breach': null,
    'sentiment.nps': null,
    'commercial.payment': 100,
    'commercial.plan': 80,
    'commercial.renewal': null,
    'relationship.touch': null,
  })
})

test('windows say their first and last local day', () => {
  const found = look([event('Signed In', 1)], { at: NOW })
  expect(factorOf(found, 'usage.active_days').window).toEqual({ days: 28, from: '2026-10-26', to: '2026-11-22' })
  expect(factorOf(found, 'usage.trend').window).toEqual({ days: 42, from: '2026-10-12', to: '2026-11-22' })
  expect(factorOf(found, 'usage.recency').window).toBe(null)
})
