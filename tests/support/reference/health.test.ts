import { describe, expect, test } from 'vitest'
import { createCalendar } from './calendar.ts'
import { type ReferenceHealth, referenceHealth } from './health.ts'
import type { ReferenceEvent } from './past.ts'
import { plainModel, type ReferenceModel } from './reference-model.ts'

const at = (text: string): number => Date.parse(text.length === 10 ? `${text}T12:00:00Z` : text)

type Reported = readonly [when: string, type: string, properties?: Record<string, unknown>, userId?: string]
const eventsOf = (told: readonly Reported[]): readonly ReferenceEvent[] =>
  told.map(([when, type, properties = {}, userId], index) => ({
    id: `e${String(index).padStart(3, '0')}`,
    source: 'app',
    type,
    userId: userId ?? null,
    occurredAt: at(when),
    properties,
  }))

const healthOf = (told: readonly Reported[], when: string, model: Partial<ReferenceModel> = {}, timeZone = 'UTC') =>
  referenceHealth(eventsOf(told), { at: at(when), timeZone, model: { ...plainModel, ...model } })

const factor = (health: ReferenceHealth, name: string) =>
  health.groups.flatMap(({ factors }) => factors).find((found) => found.factor === name)!

/** Ended onboarding: a first value and no required steps. */
const valued: Reported = ['2026-01-01', 'Value Realized']

describe('factors', () => {
  test('two of four seats active in 28 days is .5, day 29 is outside', () => {
    const told: Reported[] = [
      ['2026-03-01', 'identify', { seats: 4 }],
      ['2026-03-03', 'Signed In', {}, 'out'],
      ['2026-03-04', 'Signed In', {}, 'a'],
      ['2026-03-31', 'Signed In', {}, 'b'],
    ]
    expect(factor(healthOf(told, '2026-03-31'), 'usage.active_ratio').value).toBe(0.5)
    expect(factor(healthOf(told, '2026-03-31'), 'usage.active_days').value).toBe(2)
  })

  test('trend: 10 core events in 14 days after 20 in the 28 before is (20+5)/(20+5) = 1, 80 points; 19 before is no data', () => {
    const core = (when: string, n: number): Reported[] =>
      Array.from({ length: n }, () => [when, 'Feature Used', { core: true }])
    const before = core('2026-03-17', 20)
    const now = core('2026-03-18', 10)
    expect(factor(healthOf([...before, ...now], '2026-03-31'), 'usage.trend')).toMatchObject({ value: 1, points: 80 })
    expect(factor(healthOf([...before.slice(1), ...now], '2026-03-31'), 'usage.trend').status).toBe('no_data')
  })

  test('breadth counts only entitled core features; depth is core users of active users', () => {
    const told: Reported[] = [
      ['2026-03-01', 'group', { entitledFeatures: ['a', 'b', 7, 'c', 'd'] }],
      ['2026-03-02', 'Feature Used', { feature: 'a', core: true }, 'u1'],
      ['2026-03-02', 'Feature Used', { feature: 'z', core: true }, 'u1'],
      ['2026-03-02', 'Feature Used', { feature: 'b' }, 'u2'],
    ]
    expect(factor(healthOf(told, '2026-03-03'), 'adoption.breadth').value).toBe(0.25)
    expect(factor(healthOf(told, '2026-03-03'), 'adoption.depth').value).toBe(0.5)
  })

  test('one of two steps on day 45 of 90 is .5 / .5 = 1; the stall counts from the first completion', () => {
    const told: Reported[] = [
      ['2026-01-01', 'Onboarding Started', { steps: ['x', 'y'] }],
      ['2026-01-05', 'Onboarding Step Completed', { stepId: 'x' }],
      ['2026-01-20', 'Onboarding Step Completed', { stepId: 'x' }],
      ['2026-01-21', 'Onboarding Step Completed', { stepId: 'y', required: false }],
    ]
    const health = healthOf(told, '2026-02-14')
    expect(factor(health, 'onboarding.progress').value).toBe(1)
    expect(factor(health, 'onboarding.stall').value).toBe(40)
    expect(health.facts.onboardingStalledDays).toBe(40)
    expect(factor(health, 'onboarding.first_value')).toMatchObject({ value: null, points: 0 })
  })

  test('first value on day 14 is 100, on day 15 it is 50, and up to day 14 there is no data without it', () => {
    const started: Reported = ['2026-01-01', 'Onboarding Started', { stepCount: 1 }]
    expect(
      factor(healthOf([started, ['2026-01-15', 'Goal Achieved']], '2026-03-01'), 'onboarding.first_value').points,
    ).toBe(100)
    expect(
      factor(healthOf([started, ['2026-01-16', 'Goal Achieved']], '2026-03-01'), 'onboarding.first_value').points,
    ).toBe(50)
    expect(factor(healthOf([started], '2026-01-15'), 'onboarding.first_value').status).toBe('no_data')
    expect(factor(healthOf([started], '2026-01-16'), 'onboarding.first_value').points).toBe(0)
  })

  test('tickets: two opened with 4 active users is a rate of 5; a resolved and reopened urgent one is open', () => {
    const told: Reported[] = [
      ...['a', 'b', 'c', 'd'].map((user): Reported => ['2026-03-20', 'Signed In', {}, user]),
      ['2026-03-20', 'Support Ticket Opened', { ticketId: '1', priority: 'low' }],
      ['2026-03-21', 'Support Ticket Updated', { ticketId: '1', priority: 'urgent', slaBreached: true }],
      ['2026-03-22', 'Support Ticket Resolved', { ticketId: '1' }],
      ['2026-03-23', 'Support Ticket Reopened', { ticketId: '1' }],
      ['2026-03-24', 'Support Ticket Opened', { ticketId: '2' }],
    ]
    const health = healthOf(told, '2026-03-30')
    expect(factor(health, 'support.ticket_rate').value).toBe(5)
    expect(factor(health, 'support.urgent_open')).toMatchObject({ value: 1, points: 40 })
    expect(factor(health, 'support.sla_breach').value).toBe(0.5)
    const capsAt = (when: string) => healthOf(told, when).caps.map(({ cap }) => cap)
    expect(capsAt('2026-03-30')).toEqual(['silent'])
    expect(capsAt('2026-03-31')).toEqual(['silent', 'urgent_ticket_open'])
  })

  test('NPS takes each person’s latest answer, and answers without a person one by one; 11 is no answer', () => {
    const told: Reported[] = [
      ['2026-01-01', 'NPS Responded', { score: 2 }, 'a'],
      ['2026-01-02', 'NPS Responded', { score: 9 }, 'a'],
      ['2026-01-02', 'NPS Responded', { score: 11 }, 'a'],
      ['2026-01-03', 'NPS Responded', { score: 6 }],
      ['2026-01-03', 'NPS Responded', { score: 9 }],
    ]
    expect(factor(healthOf(told, '2026-01-04'), 'sentiment.nps').value).toBe(8)
    // newest answer 3 January: 135 days later half of the fade is over
    expect(factor(healthOf(told, '2026-05-18'), 'sentiment.nps').freshness).toBe(0.5)
  })

  test('CSAT needs three answers of 91 days and counts 4 of 5 and 8 of 10 as satisfied', () => {
    const told: Reported[] = [
      ['2026-01-01', 'CSAT Responded', { score: 4 }],
      ['2026-01-01', 'CSAT Responded', { score: 8, scale: 10 }],
      ['2026-01-01', 'CSAT Responded', { score: 7, scale: 10 }],
    ]
    expect(factor(healthOf(told, '2026-04-01'), 'sentiment.csat').value).toBe(0.6667)
    expect(factor(healthOf(told, '2026-04-02'), 'sentiment.csat').status).toBe('no_data')
  })

  test('an invoice fails from its first failure after it was last paid: 7 days 50, 8 days 20, 31 days 0', () => {
    const told: Reported[] = [
      ['2026-01-01', 'Invoice Overdue', { invoiceId: 'i' }],
      ['2026-01-02', 'Invoice Paid', { invoiceId: 'i' }],
      ['2026-01-10', 'Payment Failed', { invoiceId: 'i' }],
      ['2026-01-12', 'Invoice Overdue', { invoiceId: 'i' }],
    ]
    const points = ['2026-01-17', '2026-01-18', '2026-02-09', '2026-02-10'].map(
      (when) => factor(healthOf(told, when), 'commercial.payment').points,
    )
    expect(points).toEqual([50, 20, 20, 0])
  })

  test('a renewal without a date moves by its term and stays clamped: 31 January, 28 February, 28 March', () => {
    const told: Reported[] = [
      ['2025-12-31', 'Subscription Started', { renewalDate: '2026-01-31', termMonths: 1, autoRenew: false }],
      ['2026-01-31', 'Subscription Renewed'],
      ['2026-02-28', 'Subscription Renewed'],
    ]
    expect(healthOf(told, '2026-02-01').facts.renewalInDays).toBe(27)
    expect(healthOf(told, '2026-03-01').facts.renewalInDays).toBe(27)
    expect(factor(healthOf(told, '2026-03-01'), 'commercial.renewal').points).toBe(0)
  })

  test('the champion was seen 14 days ago 100, 15 days ago 50, 31 days ago or removed 0', () => {
    const told: Reported[] = [
      ['2026-01-01', 'Signed In', {}, 'ana'],
      ['2026-01-02', 'Champion Changed', { to: 'ana' }],
    ]
    const points = ['2026-01-15', '2026-01-16', '2026-02-01'].map(
      (when) => factor(healthOf(told, when), 'relationship.champion').points,
    )
    expect(points).toEqual([100, 50, 0])
    const removed = healthOf([...told, ['2026-01-03', 'Champion Changed', { from: 'ana' }]], '2026-01-04')
    expect(factor(removed, 'relationship.champion')).toMatchObject({ value: null, points: 0 })
    expect(removed.caps.map(({ cap }) => cap)).toEqual(['champion_removed'])
  })
})

describe('stages', () => {
  test('an account without required steps leaves onboarding at first value, else 90 days after its first event at the same wall time', () => {
    expect(healthOf([valued], '2026-01-02')).toMatchObject({ stage: 'adoption', stageEnteredAt: at('2026-01-01') })
    const quiet: Reported[] = [['2026-01-01T10:00:00Z', 'Signed In']]
    expect(healthOf(quiet, '2026-04-01T09:59:59.999Z').stage).toBe('onboarding')
    expect(healthOf(quiet, '2026-04-01T10:00:00Z')).toMatchObject({
      stage: 'adoption',
      stageEnteredAt: at('2026-04-01T10:00:00Z'),
    })
  })

  test('renewal begins at the local midnight 90 days before the date, 30 for a monthly term, and stays when overdue', () => {
    const started = (termMonths: number): Reported[] => [
      valued,
      ['2026-01-02', 'Subscription Started', { renewalDate: '2026-07-01', termMonths }],
    ]
    const yearly = healthOf(started(12), '2026-08-01', {}, 'America/Sao_Paulo')
    expect(yearly).toMatchObject({ stage: 'renewal', stageEnteredAt: at('2026-04-02T03:00:00Z') })
    expect(healthOf(started(1), '2026-08-01').stageEnteredAt).toBe(at('2026-06-01T00:00:00Z'))
  })

  test('a second start leads adoption back to onboarding, and blends the weights over 14 days', () => {
    const told: Reported[] = [
      valued,
      ['2026-02-01', 'Onboarding Started', { steps: ['x'] }],
      ['2026-02-01', 'Support Ticket Opened'],
      ['2026-02-01', 'Signed In'],
    ]
    const health = healthOf(told, '2026-02-08')
    expect(health).toMatchObject({ stage: 'onboarding', stageEnteredAt: at('2026-02-01') })
    // half of the way: usage 30, support 12.5, onboarding 22.5
    const [onboarding, usage] = health.groups
    expect(usage!.weight / onboarding!.weight).toBeCloseTo(30 / 22.5, 4)
  })

  test('churned keeps the weights of the stage it left and returns to it', () => {
    const told: Reported[] = [valued, ['2026-02-01', 'Subscription Started'], ['2026-03-01', 'Subscription Canceled']]
    expect(healthOf(told, '2026-03-02')).toMatchObject({ stage: 'churned', stageEnteredAt: at('2026-03-01') })
    expect(healthOf(told, '2026-03-02').caps[0]).toMatchObject({ cap: 'cancelled', limit: 20 })
    expect(healthOf([...told, ['2026-03-03', 'Subscription Reactivated']], '2026-03-05').facts.daysInStage).toBe(2)
  })
})

describe('silence', () => {
  test('an account in onboarding is silent exactly 7 x 24 h after its last activity, across a DST change', () => {
    const told: Reported[] = [['2026-10-20T10:00:00Z', 'Signed In']]
    expect(healthOf(told, '2026-10-27T09:59:59.999Z', {}, 'Europe/Berlin').facts.silentSince).toBeNull()
    expect(healthOf(told, '2026-10-27T10:00:00Z', {}, 'Europe/Berlin').facts.silentSince).toBe(
      '2026-10-27T10:00:00.000Z',
    )
  })

  test('the median of the gaps 1, 2, 2, 3, 3, 4 is 2.5, so the limit is 7.5 days; four gaps give 14', () => {
    const days = ['01', '02', '04', '06', '09', '12', '16'].map((day): Reported => [`2026-02-${day}`, 'Signed In'])
    const longAgo: Reported = ['2025-08-01', 'Value Realized']
    expect(healthOf([longAgo, ...days], '2026-02-17').facts.silenceLimitDays).toBe(7.5)
    expect(healthOf([longAgo, ...days.slice(2)], '2026-02-17').facts.silenceLimitDays).toBe(14)
  })
})

test('a source quiet for one and a half times its interval halves the freshness of its groups', () => {
  const model = { ...plainModel, sources: [{ source: 'crm', groups: ['usage'], expectedIntervalHours: 10 }] }
  const now = at('2026-01-02')
  const events = eventsOf([valued])
  const health = (hours: number) =>
    referenceHealth(events, { at: now, timeZone: 'UTC', model, lastSeen: new Map([['crm', now - hours * 3_600_000]]) })
  expect(factor(health(15), 'usage.recency')).toMatchObject({ freshness: 0.5, status: 'stale' })
  expect(factor(health(10), 'usage.recency')).toMatchObject({ freshness: 1, status: 'measured' })
})

test('before its first event an account has no score and stage onboarding; a bypass is no first event', () => {
  const empty = healthOf([['2026-01-01', 'Onboarding Bypassed']], '2026-01-02', {
    connected: ['support', 'commercial'],
  })
  expect(empty).toMatchObject({
    score: null,
    confidence: 0,
    band: 'insufficient_data',
    stage: 'onboarding',
    stageEnteredAt: null,
  })
})

test('wall times of a gap move forward, double ones are the earlier, and a day without midnight begins at one', () => {
  const berlin = createCalendar('Europe/Berlin')
  expect(berlin.plusDays(at('2026-03-28T01:30:00Z'), 1)).toBe(at('2026-03-29T01:30:00Z'))
  expect(berlin.plusDays(at('2026-10-24T00:30:00Z'), 1)).toBe(at('2026-10-25T00:30:00Z'))
  const saoPaulo = createCalendar('America/Sao_Paulo')
  const day = saoPaulo.dayOf(at('2018-11-04T12:00:00Z'))
  expect(saoPaulo.startOfDay(day)).toBe(at('2018-11-04T03:00:00Z'))
  expect(saoPaulo.dayOf(at('2018-11-04T02:59:59.999Z'))).toBe(day - 1)
})
