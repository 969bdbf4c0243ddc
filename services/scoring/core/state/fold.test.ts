import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createZone } from '#libs/time/time-zone.ts'
import { anyEvents, event, look, NOW, testModel } from '../../../../tests/support/scoring/account-history.ts'
import { replay } from '../account/replay.ts'
import { createEmptyInteractions, createInteractionPages, type InteractionPages } from '../codec/interaction-pages.ts'
import { decodeState, encodeState } from '../codec/state-codec.ts'
import { evaluate } from '../evaluation/evaluate.ts'
import { groupsOf } from '../evaluation/measurements.ts'
import type { CountedEvent } from '../events/event.ts'
import { foldFingerprint } from '../models/model.ts'
import { type Counters, eventsPending, foldEvent, interactionTouchedBy, promote, usersTouchedBy } from './fold.ts'
import { createMemoryUserActivity } from './fold-activity.ts'
import { interactionKey } from './interactions.ts'
import { type AccountState, createState } from './state.ts'

const model = testModel({
  coreFeatures: ['reports', 'api'],
  onboarding: { ...testModel().model.onboarding, steps: ['connect'] },
})
const zones = fc.constantFrom('UTC', 'America/Sao_Paulo', 'Pacific/Auckland').map(createZone)

const assessed = (state: AccountState, zone = createZone('UTC'), at = NOW) =>
  evaluate({ state, model, zone, at, previousBand: null, override: null, sources: new Map() })

const shuffled = anyEvents().chain((events) =>
  fc.record({
    events: fc.constant(events),
    order: fc.shuffledSubarray(events, { minLength: events.length }),
    cuts: fc.array(fc.nat({ max: events.length }), { maxLength: 4 }),
  }),
)

const newCounters = () => ({
  state: createState(),
  users: createMemoryUserActivity(),
  interactions: createEmptyInteractions(),
})
const storedAgain = (interactions: InteractionPages): InteractionPages => {
  const read = createInteractionPages(0)
  read.load(0, interactions.bytesOf(0))
  return read
}

test('the same set of events has the same bytes, in any order and any split into batches with stored states in between', () => {
  fc.assert(
    fc.property(shuffled, zones, ({ events, order, cuts }, zone) => {
      const inOrder = newCounters()
      for (const one of events) foldEvent(inOrder, one, { model, zone, now: NOW })
      const counters = newCounters()
      const ends = [...cuts.sort((a, b) => a - b), order.length]
      for (const [index, end] of ends.entries()) {
        for (const one of order.slice(ends[index - 1] ?? 0, end)) foldEvent(counters, one, { model, zone, now: NOW })
        assessed(counters.state, zone)
        counters.state = decodeState(encodeState(counters.state))
        counters.interactions = storedAgain(counters.interactions)
      }
      expect(encodeState(counters.state)).toEqual(encodeState(inOrder.state))
      expect(counters.interactions.bytesOf(0)).toBe(inOrder.interactions.bytesOf(0))
      expect(assessed(counters.state, zone)).toEqual(assessed(inOrder.state, zone))
    }),
    { numRuns: 300 },
  )
})

test('events of the future wait, and count once their instant has come as if they had always been there', () => {
  fc.assert(
    fc.property(
      anyEvents(20),
      fc.array(fc.integer({ min: 0, max: 480 }), { maxLength: 4 }),
      zones,
      (events, hours, zone) => {
        const counters = newCounters()
        const { state } = counters
        const looks = hours.map((ago) => NOW - ago * 3_600_000).sort((a, b) => a - b)
        const first = looks[0] ?? NOW
        for (const one of events) foldEvent(counters, one, { model, zone, now: first })
        for (const now of [...looks, NOW]) {
          promote(counters, { model, zone, now })
          const asOf = replay(events, { model, zone }, now).state
          expect(state.eventCount).toBe(asOf.eventCount)
          const { nextEvaluationAt, ...found } = assessed(state, zone, now)
          const { nextEvaluationAt: _, ...expected } = assessed(asOf, zone, now)
          expect(found).toEqual(expected)
          if (state.pending[0] !== undefined) expect(nextEvaluationAt).toBeLessThanOrEqual(state.pending[0].occurredAt)
        }
        expect(encodeState(state)).toEqual(encodeState(replay(events, { model, zone }, NOW).state))
      },
    ),
    { numRuns: 200 },
  )
})

test('only the users and dealings named beforehand are read or written', () => {
  fc.assert(
    fc.property(anyEvents(20), fc.nat({ max: 400 }), (events, hours) => {
      const zone = createZone('UTC')
      const { users, interactions } = { users: createMemoryUserActivity(), interactions: createEmptyInteractions() }
      let named: readonly (string | null)[] = []
      const guarded: Counters = {
        state: createState(),
        users: {
          get: (userId) => {
            expect(named).toContain(userId)
            return users.get(userId)
          },
          set: (userId, days) => {
            expect(named).toContain(userId)
            users.set(userId, days)
          },
        },
        interactions: {
          get: (kind, id) => {
            expect(named).toContain(interactionKey(kind, id))
            return interactions.get(kind, id)
          },
          set: (kind, id, interaction) => {
            expect(named).toContain(interactionKey(kind, id))
            interactions.set(kind, id, interaction)
          },
        },
      }
      const now = NOW - hours * 3_600_000
      for (const one of events) {
        named = [...usersTouchedBy(one), interactionTouchedBy(one)]
        foldEvent(guarded, one, { model, zone, now })
      }
      named = eventsPending(guarded.state, NOW).flatMap((one) => [...usersTouchedBy(one), interactionTouchedBy(one)])
      promote(guarded, { model, zone, now: NOW })
      expect(guarded.state.pending).toEqual([])
    }),
    { numRuns: 100 },
  )
})

test('a champion was seen when last active, whether that was told before or after the champion was named', () => {
  const seen = event('Signed In', 3, {}, 'ana')
  const named = event('Champion Changed', 1, { to: 'ana' })
  for (const events of [
    [seen, named],
    [named, seen],
  ]) {
    expect(
      groupsOf(look(events))
        .flatMap(({ factors }) => factors)
        .find(({ factor }) => factor === 'relationship.champion')?.value,
    ).toBe(3)
  }
})

test('names of custom events are counted up to a bound that no order of arrival can choose from', () => {
  const events = Array.from({ length: 60 }, (_, index) => event(`Custom ${index}`, 1))
  const counted = (list: readonly CountedEvent[]) =>
    replay(list, { model, zone: createZone('UTC') }, NOW).state.typeCounts
  const counts = counted(events)
  expect(counts.get('')).toBe(60 - 32)
  expect([...counted(events.toReversed())].sort()).toEqual([...counts].sort())
})

test('a typical account takes less than 2 KB, and a thousand times the events no more', () => {
  const usage = (events: number): CountedEvent[] =>
    Array.from({ length: events }, (_, index) =>
      event('Feature Used', index % 90, { feature: `f${index % 8}`, core: true }, `user-${index % 25}`),
    )
  const size = (events: readonly CountedEvent[]) =>
    encodeState(replay(events, { model, zone: createZone('UTC') }, NOW).state).length
  const rare = [
    event('group', 100, { name: 'Acme', plan: 'pro', seats: 30, ownerId: 'o-1' }),
    event('Invoice Paid', 20, { invoiceId: 'in-1' }),
  ]
  expect(size([...rare, ...usage(100)])).toBeLessThan(2_000)
  expect(size([...rare, ...usage(100_000)])).toBeLessThan(2_000)
})

test('what clients repeat without end is bounded, and still no order of arrival shows', () => {
  const hourly = (index: number): number => index / 24
  const endless: readonly ((index: number) => CountedEvent)[] = [
    (index) => event('Value Realized', hourly(index) / 10),
    (index) => event('group', hourly(index), { renewalDate: index % 40 === 0 ? '2027-01-01' : '2027-02-01' }),
    (index) => event('identify', hourly(index), { [`free${index}`]: index }),
    (index) => event('Onboarding Started', hourly(index), { journeyId: `user-${index}` }),
    (index) => event('Onboarding Step Completed', hourly(index), { journeyId: `user-${index}`, stepId: 'a' }),
    (index) => event('Onboarding Step Completed', hourly(index), { stepId: `step-${index}` }),
    (index) => event('Onboarding Completed', hourly(index), { journeyId: `user-${index}` }),
    (index) => event('Feature Used', hourly(index), { core: true, feature: `/page/${index}` }),
    (index) => event('Account Created', hourly(index)),
  ]
  const bytesOf = (events: readonly CountedEvent[]) =>
    encodeState(replay(events, { model, zone: createZone('UTC') }, NOW).state)
  for (const make of endless) {
    const events = Array.from({ length: 1_500 }, (_, index) => make(index))
    const inOrder = bytesOf(events.toReversed())
    expect(bytesOf(events)).toEqual(inOrder)
    for (const order of fc.sample(fc.shuffledSubarray(events, { minLength: events.length }), 2)) {
      expect(bytesOf(order)).toEqual(inOrder)
    }
    expect(inOrder.length).toBeLessThan(12_000)
  }
})

test('bytes of another layout or cut short are refused, never misread', () => {
  const bytes = encodeState(replay([event('Signed In', 1, {}, 'ana')], { model, zone: createZone('UTC') }, NOW).state)
  expect(() => decodeState(Buffer.from([99]))).toThrow(/layout/)
  expect(() => decodeState(bytes.subarray(0, bytes.length - 2))).toThrow()
})

test('a model that counts otherwise has another fingerprint; one that only weighs otherwise has the same', () => {
  const { model: base } = testModel()
  expect(foldFingerprint({ ...base, coreFeatures: ['x'] })).not.toBe(foldFingerprint(base))
  expect(foldFingerprint({ ...base, features: { 'Report Run': 'reports' } })).not.toBe(foldFingerprint(base))
  expect(foldFingerprint({ ...base, caps: [], bands: { ...base.bands, healthy: 80 }, connected: ['usage'] })).toBe(
    foldFingerprint(base),
  )
})
