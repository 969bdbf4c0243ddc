import { expect, test } from 'vitest'
import { createZone } from '#libs/time/time-zone.ts'
import { event, NOW, testModel } from '../../../../tests/support/scoring/account-history.ts'
import { replay } from '../account/replay.ts'
import type { CountedEvent } from '../events/event.ts'
import { completedSteps, journeyOf } from './journey.ts'
import type { CohortDays } from './journey-eta.ts'

const zone = createZone('UTC')
const model = testModel()
const DAY_MS = 86_400_000
const daysFromNow = (atMs: number | null): number | null => (atMs === null ? null : (atMs - NOW) / DAY_MS)
const journey = (events: readonly CountedEvent[], cohort: CohortDays | null = null) =>
  journeyOf({ state: replay(events, { model, zone }, NOW).state, model, zone, at: NOW, cohort })

const start = event('Onboarding Started', 45, { steps: ['connect', 'invite', 'publish', 'review'] })
const step = (stepId: string, daysAgo: number, journeyId?: string) =>
  event('Onboarding Step Completed', daysAgo, { stepId, ...(journeyId === undefined ? {} : { journeyId }) })

test('an onboarding shows its steps, gates, progress against the target, and what it stalls on', () => {
  const found = journey([start, step('connect', 30), step('invite', 20)])
  expect(found).toMatchObject({
    stage: 'onboarding',
    daysInStage: 45,
    progress: 50,
    expectedProgress: 51.1111,
    overdueDays: 0,
    stalledDays: 20,
    watchUntil: null,
  })
  expect(found.journeys).toHaveLength(1)
  expect(found.journeys[0]).toMatchObject({ journeyId: 'main', requiredSteps: 4, doneSteps: 2, endedAt: null })
  expect(found.journeys[0]!.steps.map(({ stepId, stalledDays }) => [stepId, stalledDays])).toEqual([
    ['connect', null],
    ['invite', null],
    ['publish', 20],
    ['review', 20],
  ])
  expect(found.journeys[0]!.gates).toEqual([
    { gate: 'required_steps', passed: false, passedAt: null },
    { gate: 'first_value', passed: false, passedAt: null },
  ])
})

test('the estimate follows the account’s own pace, its quickest and slowest step the range', () => {
  const { eta } = journey([start, step('connect', 30), step('invite', 20)])
  expect(eta.basis).toBe('own_rate')
  // 2 steps in 45 days, 2 to go: 45 more. Gaps were 15 and 10 days, the present one is 20; the pace
  // is slower still.
  expect([eta.earliestAt, eta.at, eta.latestAt].map(daysFromNow)).toEqual([20, 45, 45])
})

test('a cohort bounds the estimate, stands in for a pace that is not known, and without it nothing is claimed', () => {
  const cohort = { p25Days: 50, medianDays: 60, p75Days: 70 }
  const own = journey([start, step('connect', 30), step('invite', 20)], cohort).eta
  expect([own.earliestAt, own.at, own.latestAt].map(daysFromNow)).toEqual([20, 25, 25])
  const none = journey([start, step('connect', 30)], cohort).eta
  expect(none.basis).toBe('cohort')
  expect([none.earliestAt, none.at, none.latestAt].map(daysFromNow)).toEqual([5, 15, 25])
  expect(journey([start, step('connect', 30)]).eta).toEqual({
    basis: 'insufficient_data',
    at: null,
    earliestAt: null,
    latestAt: null,
  })
})

test('an account slower than its cohort is estimated by its own pace, never before now', () => {
  const cohort = { p25Days: 5, medianDays: 10, p75Days: 15 }
  const events = [start, step('connect', 30), step('invite', 20)]
  expect(journey(events, cohort).eta).toEqual(journey(events).eta)
  expect(journey([start, step('connect', 30)], cohort).eta.basis).toBe('insufficient_data')
})

test('the history says when each stage was entered and left, and what opened it', () => {
  const found = journey([
    event('Onboarding Started', 200, { steps: ['a'] }),
    step('a', 190),
    event('Value Realized', 180),
    event('Subscription Started', 170, { renewalDate: '2026-12-22', termMonths: 12 }),
    event('Onboarding Started', 20, { journeyId: 'module', steps: ['b'] }),
    event('Onboarding Bypassed', 10, { journeyId: 'module' }),
  ])
  expect(found.history.map(({ stage, openedBy }) => [stage, openedBy])).toEqual([
    ['onboarding', 'onboarding_started'],
    ['adoption', 'steps_and_first_value'],
    ['renewal', 'renewal_window'],
    ['onboarding', 'onboarding_started'],
    ['renewal', 'bypass'],
  ])
  expect(found.history.map(({ leftAt }) => daysFromNow(leftAt))).toEqual([-180, -60.5, -20, -10, null])
  expect(found).toMatchObject({ stage: 'renewal', progress: 66.6667, expectedProgress: null, overdueDays: null })
  expect(daysFromNow(found.watchUntil)).toBe(20)
  expect(daysFromNow(found.eta.at)).toBe(29.5)
})

test('onboarding past its target says by how many days', () => {
  expect(journey([event('Onboarding Started', 97, { steps: ['a'] })])).toMatchObject({
    overdueDays: 7,
    expectedProgress: 100,
  })
})

test('a batch tells each required step it is the first to complete, once', () => {
  const context = { model, zone, now: NOW }
  const { state } = replay([start, step('connect', 30)], context, NOW)
  const batch = [
    step('connect', 9),
    step('invite', 8),
    step('unknown', 8),
    step('invite', 7),
    step('publish', 6, 'other'),
  ]
  expect(completedSteps(state, batch, context)).toEqual([{ journeyId: 'main', stepId: 'invite' }])
  expect(completedSteps(state, [event('Onboarding Completed', 5)], context).map(({ stepId }) => stepId)).toEqual([
    'invite',
    'publish',
    'review',
  ])
  expect(completedSteps(state, [event('Signed In', 5)], context)).toEqual([])
})

test('a start that arrives late, before a step already told, does not tell it again', () => {
  const context = { model, zone, now: NOW }
  const { state } = replay([start, step('connect', 30)], context, NOW)
  const late = [event('Onboarding Started', 31, { steps: ['connect', 'invite'] }), step('invite', 29)]
  expect(completedSteps(state, late, context)).toEqual([{ journeyId: 'main', stepId: 'invite' }])
})
