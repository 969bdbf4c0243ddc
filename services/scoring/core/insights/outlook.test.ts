import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FACTS_EXAMPLE, type Facts } from '#libs/contracts/account-health.ts'
import { event, look, NOW, settled, testModel } from '../../../../tests/support/scoring/account-history.ts'
import { type GroupResult, groupsOf } from '../evaluation/measurements.ts'
import { expansionReadiness } from './expansion-readiness.ts'
import { outlookOf } from './outlook.ts'
import { renewalRisk } from './renewal-risk.ts'
import { weighSignals } from './weigh-signals.ts'

const { expansion, renewalRisk: riskRules } = testModel().model
const HEALTHY = Array.from({ length: 28 }, () => 80)
const facts = (changes: Partial<Facts> = {}): Facts => ({
  ...FACTS_EXAMPLE,
  score: 82,
  scoreDelta28d: 0,
  seatUse: 0.9,
  renewalInDays: 200,
  autoRenew: true,
  ...changes,
})
const readiness = (changes: Partial<Facts> = {}, scores: readonly (number | null)[] = HEALTHY) =>
  expansionReadiness(facts(changes), scores, expansion)
const risk = (changes: Partial<Facts> = {}, groups: readonly GroupResult[] = []) =>
  renewalRisk(facts(changes), groups, riskRules)
const reasonOf = ({ reasons }: { readonly reasons: readonly { readonly signal: string }[] }, signal: string) =>
  reasons.find((one) => one.signal === signal)

describe('signals', () => {
  const signal = fc.record({
    signal: fc.string(),
    value: fc.constant(1),
    points: fc.option(fc.double({ min: 0, max: 100, noNaN: true })),
    weight: fc.integer({ min: 0, max: 100 }),
  })
  it('give a score within 0..100 whose contributions are exactly it, whatever is known', () => {
    fc.assert(
      fc.property(fc.array(signal, { maxLength: 8 }), (signals) => {
        const { score, reasons } = weighSignals(signals)
        const sum = reasons.reduce((total, { contribution }) => total + Math.round(contribution * 10_000), 0)
        expect(sum).toBe(Math.round((score ?? 0) * 10_000))
        expect(score ?? 0).toBeGreaterThanOrEqual(0)
        expect(score ?? 0).toBeLessThanOrEqual(100)
        expect(score === null).toBe(signals.every(({ points, weight }) => points === null || weight === 0))
      }),
    )
  })
  it('leave the weight of what is unknown to the others', () => {
    const known = { signal: 'a', value: 1, points: 40, weight: 10 }
    const unknown = { signal: 'b', value: null, points: null, weight: 90 }
    expect(weighSignals([known, unknown]).score).toBe(40)
    expect(weighSignals([unknown])).toMatchObject({ score: null, reasons: [{ speaks: 'unknown', contribution: 0 }] })
  })
})

describe('readiness to expand', () => {
  it('is ready when health was steady for 28 days and seats or plan are used to 80 %', () => {
    expect(readiness()).toMatchObject({ level: 'ready' })
    expect(readiness({ seatUse: 0.2, planUse: 0.8 })).toMatchObject({ level: 'ready' })
    expect(readiness({ seatUse: 0.79 })).toMatchObject({ level: 'building' })
    expect(readiness({ score: 74.9999 })).toMatchObject({ level: 'building' })
  })
  it('counts days on end: one bad or unknown day in the 28 begins anew', () => {
    const with20 = (score: number | null) => HEALTHY.map((healthy, index) => (index === 19 ? score : healthy))
    expect(reasonOf(readiness({}, with20(60)), 'healthy_days')).toMatchObject({ value: 19, speaks: 'for' })
    expect(readiness({}, with20(null))).toMatchObject({ level: 'building' })
    expect(reasonOf(readiness({}, []), 'healthy_days')).toMatchObject({ value: 0, points: 0, speaks: 'against' })
    expect(reasonOf(readiness({}, HEALTHY), 'healthy_days')).toMatchObject({ value: 28, points: 100 })
  })
  it('is unknown without seats and plan, and then has a score of its other signals', () => {
    expect(readiness({ seatUse: null, planUse: null })).toMatchObject({ level: 'unknown', score: 100 })
  })
  it.each([
    ['churned', { stage: 'churned' }],
    ['cancel_scheduled', { cancelScheduled: true }],
    ['open_urgent_tickets', { openUrgentTickets: 2 }],
    ['detractor', { detractorWithin90d: true }],
    ['payment_failed_days', { paymentFailedDays: 0 }],
  ] as const)('is blocked by %s, which is named', (signal, changes) => {
    const blocked = readiness(changes)
    expect(blocked.level).toBe('blocked')
    expect(reasonOf(blocked, signal)).toMatchObject({ speaks: 'against', limit: 'blocks' })
  })
})

describe('risk of the renewal', () => {
  it('is low for who is well and far from it, high for who is not and near', () => {
    expect(risk()).toMatchObject({ level: 'low' })
    expect(risk({ score: 45, scoreDelta28d: -15, renewalInDays: 40, autoRenew: false })).toMatchObject({
      level: 'high',
    })
    expect(risk({ score: 60, scoreDelta28d: -4 }).level).toBe('elevated')
  })
  it('takes payment and champion from their factors, as unknown as they are', () => {
    const evaluation = look([
      ...settled(),
      event('Payment Failed', 10, { invoiceId: 'i' }),
      event('Champion Changed', 5, { to: null }),
    ])
    const found = risk({}, groupsOf(evaluation))
    expect(reasonOf(found, 'payment')).toMatchObject({ value: 10, points: 80, speaks: 'for' })
    expect(reasonOf(found, 'champion')).toMatchObject({ points: 100, speaks: 'for' })
    expect(reasonOf(risk({}, groupsOf(look(settled()))), 'payment')).toMatchObject({ points: null, speaks: 'unknown' })
  })
  it('is at least what a scheduled cancellation or silence says, and named', () => {
    const canceling = risk({ cancelScheduled: true })
    expect(canceling).toMatchObject({ level: 'high', score: 90 })
    expect(reasonOf(canceling, 'cancel_scheduled')).toMatchObject({ limit: 90, speaks: 'for' })
    expect(risk({ silentSince: new Date(NOW).toISOString() })).toMatchObject({ level: 'high', score: 60 })
    const worse = { score: 10, scoreDelta28d: -30, renewalInDays: 0, autoRenew: false }
    expect(risk({ ...worse, silentSince: new Date(NOW).toISOString() }).score).toBeGreaterThan(60)
  })
  it('has nothing to say of who has churned, or of whom nothing is known', () => {
    expect(risk({ stage: 'churned' })).toEqual({ level: null, score: null, reasons: [] })
    const nothing = { score: null, scoreDelta28d: null, renewalInDays: null, autoRenew: null }
    expect(risk(nothing)).toMatchObject({ level: null, score: null })
  })
  it('never falls when score or trend fall or the renewal comes nearer', () => {
    const given = fc.record({
      score: fc.double({ min: 0, max: 100, noNaN: true }),
      scoreDelta28d: fc.double({ min: -100, max: 100, noNaN: true }),
      renewalInDays: fc.integer({ min: 0, max: 400 }),
    })
    fc.assert(
      fc.property(given, given, (a, b) => {
        const worse = {
          score: Math.min(a.score, b.score),
          scoreDelta28d: Math.min(a.scoreDelta28d, b.scoreDelta28d),
          renewalInDays: Math.min(a.renewalInDays, b.renewalInDays),
        }
        expect(risk(worse).score!).toBeGreaterThanOrEqual(risk(a).score!)
      }),
    )
  })
})

it('changes neither score nor groups, and is the same each time', () => {
  const evaluation = look([...settled(), event('Feature Used', 1, { feature: 'x', core: true }, 'ana')])
  const before = JSON.stringify(evaluation)
  const { model } = testModel()
  expect(outlookOf(evaluation, facts(), HEALTHY, model)).toEqual(outlookOf(evaluation, facts(), HEALTHY, model))
  expect(JSON.stringify(evaluation)).toBe(before)
})
