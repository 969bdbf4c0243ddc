import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createZone } from '#libs/time/time-zone.ts'
import {
  anyEvents,
  event,
  factorOf,
  look,
  NOW,
  settled,
  testModel,
} from '../../../../tests/support/scoring/account-history.ts'
import { createState } from '../state/state.ts'
import { evaluate } from './evaluate.ts'
import { groupsOf } from './measurements.ts'

const UNITS = 10_000
const units = (value: number): number => Math.round(value * UNITS)
const zones = fc.constantFrom('UTC', 'America/Sao_Paulo', 'Pacific/Auckland').map(createZone)

test('before its first event an account has no score, whatever its model is connected to', () => {
  const model = testModel({ connected: ['support', 'commercial', 'usage'] })
  for (const events of [[], [event('Onboarding Bypassed', 3, { reason: 'done by hand' })]]) {
    const found = look(events, { model })
    expect(found).toMatchObject({
      score: null,
      computedScore: null,
      band: 'insufficient_data',
      confidence: 0,
      stage: 'onboarding',
      caps: [],
    })
    expect(groupsOf(found)).toHaveLength(7)
  }
  const zone = createZone('UTC')
  expect(
    evaluate({ state: createState(), model, zone, at: NOW, previousBand: null, override: null, sources: new Map() })
      .nextEvaluationAt,
  ).toBe(null)
})

test('contributions sum exactly: factors to their group, groups and the cap to the score; all within 0..100', () => {
  fc.assert(
    fc.property(anyEvents(), zones, (events, zone) => {
      const found = look(events, { zone })
      const total = groupsOf(found).reduce((sum, group) => {
        expect(group.factors.reduce((part, factor) => part + units(factor.contribution), 0)).toBe(
          units(group.contribution),
        )
        return sum + units(group.contribution)
      }, 0)
      const capped = found.caps.reduce((sum, cap) => sum + units(cap.delta), 0)
      const score = found.computedScore ?? 0
      expect(total + capped).toBe(units(score))
      expect(score).toBeGreaterThanOrEqual(0)
      expect(score).toBeLessThanOrEqual(100)
      expect(found.confidence).toBeGreaterThanOrEqual(0)
      expect(found.confidence).toBeLessThanOrEqual(1)
    }),
    { numRuns: 300 },
  )
})

test('a better answer, one more use of a core feature or a settled payment never lowers the score', () => {
  const pairs = fc.oneof(
    fc
      .record({ low: fc.integer({ min: 0, max: 9 }) })
      .map(({ low }) => [
        event('NPS Responded', 2, { score: low }, 'zoe'),
        event('NPS Responded', 2, { score: low + 1 }, 'zoe'),
      ]),
    fc.constant([
      event('Feature Used', 0.1, {}, 'ana'),
      event('Feature Used', 0.1, { core: true, feature: 'api' }, 'ana'),
    ]),
    fc.constant([event('Payment Failed', 0.1, { invoiceId: '9' }), event('Invoice Paid', 0.1, { invoiceId: '9' })]),
  )
  const model = testModel({ coreFeatures: ['reports', 'api'] })
  fc.assert(
    fc.property(anyEvents(), pairs, (events, [worse, better]) => {
      const before = look([...events, worse!], { model }).score
      const after = look([...events, better!], { model }).score
      expect(after!).toBeGreaterThanOrEqual(before!)
    }),
    { numRuns: 300 },
  )
})

test('nothing that is published moves before the instant foretold, but counters of days that are past watching', () => {
  const counters = [
    'daysInStage',
    'daysSinceLastActivity',
    'paymentFailedDays',
    'renewalInDays',
    'onboardingOverdueDays',
    'onboardingStalledDays',
  ]
  const shown = (found: ReturnType<typeof look>) => {
    const facts: Record<string, unknown> = { ...found.facts }
    for (const name of counters) delete facts[name]
    return { score: found.score, stage: found.stage, band: found.band, caps: found.caps, facts }
  }
  fc.assert(
    fc.property(anyEvents(), zones, fc.double({ min: 0, max: 1, noNaN: true }), (events, zone, share) => {
      const now = look(events, { zone })
      const until = now.nextEvaluationAt ?? NOW + 400 * 86_400_000
      expect(until).toBeGreaterThan(NOW)
      for (const at of [until - 1, NOW + Math.floor(share * (until - 1 - NOW))]) {
        expect(shown(look(events, { zone, at }))).toEqual(shown(now))
      }
    }),
    { numRuns: 300 },
  )
})

test('an account that is long silent and fully decayed sleeps; one that is alive is looked at each local midnight', () => {
  const zone = createZone('America/Sao_Paulo')
  const old = [event('Value Realized', 399, {}, 'ana'), event('Signed In', 398, {}, 'ana')]
  expect(look(old, { zone }).nextEvaluationAt).toBe(null)
  const alive = look([...old, event('Signed In', 1, {}, 'ana')], { zone })
  expect(new Date(alive.nextEvaluationAt!).toISOString()).toBe('2026-11-23T03:00:00.000Z')
})

test('silence is noticed at its exact instant: its cap, its fact, and the wake for it', () => {
  const events = [...settled(), event('Signed In', 13.9, {}, 'ana')]
  const silentAt = events.at(-1)!.occurredAt + 14 * 86_400_000
  expect(look(events).nextEvaluationAt).toBe(silentAt)
  const before = look(events, { at: silentAt - 1 })
  expect(before.facts.silentSince).toBe(null)
  expect(before.caps).toEqual([])
  const after = look(events, { at: silentAt })
  expect(after.facts.silentSince).toBe(new Date(silentAt).toISOString())
  expect(after.caps.map(({ cap }) => cap)).toEqual(['silent'])
})

test('an override stands for its time: its score and band at any confidence, the computed score beside it', () => {
  const override = { score: 82, reason: 'call', author: 'kim', setAt: NOW - 1_000, expiresAt: NOW + 1_000 }
  const events = [...settled(), event('Payment Failed', 1)]
  const plain = look(events)
  const found = look(events, { override })
  expect(found).toMatchObject({ score: 82, band: 'healthy', computedScore: plain.computedScore, override })
  expect(found.nextEvaluationAt).toBe(override.expiresAt)
  expect(look(events, { override, at: override.expiresAt })).toMatchObject({ override: null, score: plain.score })
})

test('when several caps hold, all are listed and the lowest bears the delta', () => {
  const events = [
    ...settled(),
    ...Array.from({ length: 28 }, (_, day) => event('Feature Used', day, { core: true, feature: 'api' }, 'ana')),
    event('Payment Failed', 20, { invoiceId: '1' }),
    event('Champion Changed', 5, { from: 'ana' }),
  ]
  const found = look(events)
  expect(found.caps.map(({ cap, limit }) => [cap, limit])).toEqual([
    ['payment_failed', 49],
    ['champion_removed', 66],
  ])
  expect(found.computedScore).toBe(49)
  expect(found.caps[0]!.delta).toBeLessThan(0)
  expect(found.caps[1]!.delta).toBe(0)
})

test('a stage that was just entered takes its weights over 14 days', () => {
  const start = event('Onboarding Started', 60)
  const events = [start, event('Value Realized', 50, {}, 'ana'), event('NPS Responded', 49, { score: 9 }, 'ana')]
  const enteredAt = events[1]!.occurredAt
  const weights = (days: number) =>
    groupsOf(look(events, { at: enteredAt + days * 86_400_000 })).map(({ weight }) => weight)
  const blended = (share: number) => {
    // Groups with data, in the model's order: onboarding, usage, adoption, support (none),
    // sentiment.
    const mixed = [45 - 45 * share, 25 + 10 * share, 10 + 15 * share, 0, 5 + 5 * share, 0, 0]
    const total = mixed.reduce((sum, weight) => sum + weight, 0)
    return mixed.map((weight) => Math.round((1_000_000 * weight) / total) / 10_000)
  }
  expect(weights(2)).toEqual(blended(2 / 14))
  expect(weights(13)).toEqual(blended(13 / 14))
  expect(weights(14)).toEqual(blended(1))
})

test('a source that goes quiet fades its groups by exact hours, and the fade shows as stale', () => {
  const model = testModel({ sources: { helpdesk: { groups: ['support'], expectedIntervalHours: 24 } } })
  const events = [
    ...settled(),
    event('Support Ticket Opened', 5, { ticketId: '1' }),
    event('Signed In', 0.1, {}, 'ana'),
  ]
  const seen = (hoursAgo: number) =>
    look(events, { model, sources: new Map([['helpdesk', NOW - hoursAgo * 3_600_000]]) })
  expect(factorOf(seen(24), 'support.ticket_rate')).toMatchObject({ status: 'measured', freshness: 1 })
  expect(factorOf(seen(36), 'support.ticket_rate')).toMatchObject({ status: 'stale', freshness: 0.5 })
  const gone = seen(48)
  expect(groupsOf(gone).find(({ group }) => group === 'support')).toMatchObject({
    weight: 0,
    points: null,
    contribution: 0,
  })
  expect(gone.confidence).toBeLessThan(seen(24).confidence)
  expect(factorOf(look(events, { model }), 'support.ticket_rate').freshness).toBe(1)
})

test('as of any instant, replaying the events up to it is what was seen then', () => {
  fc.assert(
    fc.property(anyEvents(), fc.nat({ max: 4_000 }), (events, hours) => {
      const at = NOW - hours * 3_600_000
      const known = events.filter(({ occurredAt }) => occurredAt <= at)
      const model = testModel()
      expect(look(events, { at, model })).toEqual(look(known, { at, model }))
    }),
    { numRuns: 200 },
  )
})

test('an advocate has been healthy for 90 days and was a promoter, referred or reviewed within 180', () => {
  const events = [
    ...settled(),
    ...Array.from({ length: 28 }, (_, day) => event('Feature Used', day, { core: true, feature: 'api' }, 'ana')),
    event('group', 100, { seats: 1 }),
    event('Referral Made', 100),
  ]
  const since = (days: number) => look(events, { healthySince: NOW - days * 86_400_000 }).facts.advocate
  expect(look(events).band).toBe('healthy')
  expect([since(89), since(90)]).toEqual([false, true])
  expect(look(events).facts.advocate).toBe(false)
})
