import { expect, test } from 'vitest'
import { createZone } from '#libs/time/time-zone.ts'
import { event, testModel } from '../../../../tests/support/scoring/account-history.ts'
import { replay } from '../account/replay.ts'
import type { CountedEvent } from '../events/event.ts'
import { timelineOf } from './stage-timeline.ts'

/** Spans as `stage since`, from all that is known of the events. */
const spans = (events: readonly CountedEvent[], timeZone = 'UTC', model = testModel()): string[] => {
  const zone = createZone(timeZone)
  const { state } = replay(events, { model, zone }, Number.MAX_SAFE_INTEGER)
  return timelineOf(state, model, zone).spans.map(({ at, stage }) => `${stage} ${new Date(at).toISOString()}`)
}
const value = (at: string) => event('Value Realized', at, {}, 'ana')
const subscription = (kind: string, at: string, properties = {}) => event(`Subscription ${kind}`, at, properties)

test('onboarding ends only when every required step is done and first value is reached', () => {
  const start = event('Onboarding Started', '2026-01-10T10:00:00Z', { steps: ['a', 'b'] })
  const step = (stepId: string, at: string) => event('Onboarding Step Completed', at, { stepId })
  const steps = [step('a', '2026-01-11T10:00:00Z'), step('b', '2026-01-15T10:00:00Z')]
  expect(spans([start, ...steps])).toEqual(['onboarding 2026-01-10T10:00:00.000Z'])
  expect(spans([start, steps[0]!, value('2026-01-12T10:00:00Z')])).toEqual(['onboarding 2026-01-10T10:00:00.000Z'])
  expect(spans([start, ...steps, value('2026-01-12T10:00:00Z')])).toEqual([
    'onboarding 2026-01-10T10:00:00.000Z',
    'adoption 2026-01-15T10:00:00.000Z',
  ])
})

test('without known steps onboarding ends at first value, or when the target has passed at the same wall time', () => {
  const first = event('Signed In', '2026-01-10T12:30:00Z', {}, 'ana')
  expect(spans([first, value('2026-01-12T10:00:00Z')])[1]).toBe('adoption 2026-01-12T10:00:00.000Z')
  expect(spans([first])[1]).toBe('adoption 2026-04-10T12:30:00.000Z')
  // Auckland's clocks went back on 5 April 2026: 01:30 in the morning stays 01:30.
  expect(spans([first], 'Pacific/Auckland')[1]).toBe('adoption 2026-04-10T13:30:00.000Z')
})

test('a bypass ends the journey, and a second start leads back to onboarding', () => {
  const events = [
    event('Onboarding Started', '2026-01-10T10:00:00Z', { steps: ['a'] }),
    event('Onboarding Bypassed', '2026-01-20T10:00:00Z', { reason: 'migrated customer' }),
    event('Onboarding Started', '2026-03-01T10:00:00Z', { journeyId: 'module', steps: ['x'] }),
    event('Onboarding Completed', '2026-03-02T10:00:00Z', { journeyId: 'module' }),
    value('2026-03-05T10:00:00Z'),
  ]
  expect(spans(events)).toEqual([
    'onboarding 2026-01-10T10:00:00.000Z',
    'adoption 2026-01-20T10:00:00.000Z',
    'onboarding 2026-03-01T10:00:00.000Z',
    'adoption 2026-03-05T10:00:00.000Z',
  ])
})

test('steps before a restart do not count for the new run', () => {
  const step = event('Onboarding Step Completed', '2026-01-11T10:00:00Z', { stepId: 'a' })
  const starts = ['2026-01-10T10:00:00Z', '2026-01-12T10:00:00Z'].map((at) =>
    event('Onboarding Started', at, { steps: ['a'] }),
  )
  expect(spans([...starts, step, value('2026-01-13T10:00:00Z')])).toEqual(['onboarding 2026-01-10T10:00:00.000Z'])
})

test('the renewal window opens at a local midnight, 90 days before the date, 30 for monthly terms', () => {
  const settle = value('2025-06-01T10:00:00Z')
  const started = (termMonths: number) =>
    subscription('Started', '2025-06-02T10:00:00Z', { renewalDate: '2026-06-30', termMonths })
  expect(spans([settle, started(12)])[1]).toBe('renewal 2026-04-01T00:00:00.000Z')
  expect(spans([settle, started(1)])[1]).toBe('renewal 2026-05-31T00:00:00.000Z')
  expect(spans([settle, started(12)], 'America/Sao_Paulo')[1]).toBe('renewal 2026-04-01T03:00:00.000Z')
  expect(spans([settle, started(12)], 'Pacific/Auckland')[1]).toBe('renewal 2026-03-31T11:00:00.000Z')
})

test('where clocks skip midnight, the window opens at the first instant of the day', () => {
  const events = [value('2018-01-01T10:00:00Z'), event('group', '2018-01-02T10:00:00Z', { renewalDate: '2019-02-02' })]
  expect(spans(events, 'America/Sao_Paulo')[1]).toBe('renewal 2018-11-04T03:00:00.000Z')
})

test('a renewal without a date moves it by the term, to the end of shorter months, leap years included', () => {
  const settle = value('2027-01-01T10:00:00Z')
  const events = [
    settle,
    subscription('Started', '2027-01-02T10:00:00Z', { renewalDate: '2027-11-30', termMonths: 3 }),
    subscription('Renewed', '2027-11-29T10:00:00Z'),
  ]
  // 30 November + 3 months = 29 February 2028; 90 days before it is 1 December.
  expect(spans(events)).toEqual([
    'adoption 2027-01-01T10:00:00.000Z',
    'renewal 2027-09-01T00:00:00.000Z',
    'adoption 2027-11-29T10:00:00.000Z',
    'renewal 2027-12-01T00:00:00.000Z',
  ])
})

test('churn begins when the last subscription is canceled or the account is deleted, and ends when it comes back', () => {
  const events = [
    value('2026-01-01T10:00:00Z'),
    subscription('Started', '2026-01-02T10:00:00Z', { subscriptionId: 'a' }),
    subscription('Started', '2026-01-02T10:00:00Z', { subscriptionId: 'b' }),
    subscription('Canceled', '2026-02-01T10:00:00Z', { subscriptionId: 'a' }),
    subscription('Canceled', '2026-03-01T10:00:00Z', { subscriptionId: 'b' }),
    subscription('Reactivated', '2026-04-01T10:00:00Z', { subscriptionId: 'b' }),
    event('Account Deleted', '2026-05-01T10:00:00Z'),
    event('Account Created', '2026-05-02T10:00:00Z'),
  ]
  expect(spans(events).slice(1)).toEqual([
    'churned 2026-03-01T10:00:00.000Z',
    'adoption 2026-04-01T10:00:00.000Z',
    'churned 2026-05-01T10:00:00.000Z',
    'adoption 2026-05-02T10:00:00.000Z',
  ])
})

test('a late start changes the past: the journey everyone has is gone from then on', () => {
  const first = event('Signed In', '2026-01-10T10:00:00Z', {}, 'ana')
  const start = event('Onboarding Started', '2026-02-01T10:00:00Z', { steps: ['a'] })
  expect(spans([first, start, value('2026-02-03T10:00:00Z')])).toEqual(['onboarding 2026-01-10T10:00:00.000Z'])
})
