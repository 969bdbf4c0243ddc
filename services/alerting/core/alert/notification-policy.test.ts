import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Weekday, weekdayOf, zoneNamed } from '#libs/time/time-zone.ts'
import { nextDigestAt, type QuietHours, quietUntil } from './notification-policy.ts'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000
const BERLIN = 'Europe/Berlin'
const at = (text: string): number => Date.parse(text)
const nights: QuietHours = {
  timeZone: BERLIN,
  hours: { from: 20 * 60, to: 7 * 60 },
  quietDays: ['sat', 'sun'],
  criticalPasses: true,
}

test.each([
  ['in the afternoon', '2026-11-25T13:00:00Z', null],
  ['in the last minute of the day', '2026-11-25T18:59:59.999Z', null],
  ['when the night begins', '2026-11-25T19:00:00Z', '2026-11-26T06:00:00Z'],
  ['after midnight', '2026-11-26T02:00:00Z', '2026-11-26T06:00:00Z'],
  ['when the night ends', '2026-11-26T06:00:00Z', null],
  ['on Friday night, over the weekend', '2026-11-27T21:00:00Z', '2026-11-30T06:00:00Z'],
  ['on Sunday', '2026-11-29T12:00:00Z', '2026-11-30T06:00:00Z'],
  ['in the night in which an hour is skipped', '2026-03-28T23:30:00Z', '2026-03-30T05:00:00Z'],
])('%s', (_, from, until) => {
  expect(quietUntil(nights, 'warning', at(from))).toBe(until === null ? null : at(until))
})

test('critical alerts pass by choice', () => {
  const night = at('2026-11-26T02:00:00Z')
  expect(quietUntil(nights, 'critical', night)).toBe(null)
  expect(quietUntil({ ...nights, criticalPasses: false }, 'critical', night)).toBe(at('2026-11-26T06:00:00Z'))
})

const DAYS: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const zone = fc.constantFrom('UTC', BERLIN, 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe')

test('quiet ends at the first minute that is not quiet, in every zone', () => {
  const quiet = fc.record({
    timeZone: zone,
    hours: fc
      .record({ from: fc.integer({ min: 0, max: 1_439 }), to: fc.integer({ min: 0, max: 1_439 }) })
      .filter(({ from, to }) => from !== to),
    quietDays: fc.subarray([...DAYS], { maxLength: 2 }),
    criticalPasses: fc.boolean(),
  })
  const start = at('2026-01-01T00:00:00Z') / MINUTE_MS
  fc.assert(
    fc.property(quiet, fc.integer({ min: 0, max: 500_000 }), (policy, minutes) => {
      const isQuiet = (instant: number): boolean => {
        const local = zoneNamed(policy.timeZone)
        const minute = local.minuteOf(instant)
        const weekday = weekdayOf(local.dayOf(instant))
        const { from, to } = policy.hours
        const inHours = from < to ? from <= minute && minute < to : minute >= from || minute < to
        return inHours || policy.quietDays.includes(weekday)
      }
      const now = (start + minutes) * MINUTE_MS
      let expected: number | null = null
      for (let i = now; isQuiet(i); i += MINUTE_MS) expected = i + MINUTE_MS
      expect(quietUntil(policy, 'info', now)).toBe(expected)
    }),
    { numRuns: 100 },
  )
})

test('a digest comes at its time of day on its days, also when the clocks change', () => {
  const digest = { timeZone: BERLIN, minute: 8 * 60, days: ['fri', 'mon'] as const }
  const times: string[] = []
  let now = at('2026-03-25T12:00:00Z')
  for (let i = 0; i < 4; i++) {
    now = nextDigestAt(digest, now)
    times.push(new Date(now).toISOString())
  }
  expect(times).toEqual([
    '2026-03-27T07:00:00.000Z',
    '2026-03-30T06:00:00.000Z',
    '2026-04-03T06:00:00.000Z',
    '2026-04-06T06:00:00.000Z',
  ])
  fc.assert(
    fc.property(
      zone,
      fc.integer({ min: 0, max: 1_439 }),
      fc.integer({ min: 0, max: 800 * DAY_MS }),
      (name, minute, ms) => {
        const after = at('2026-01-01T00:00:00Z') + ms
        const next = nextDigestAt({ timeZone: name, minute, days: DAYS }, after)
        expect(next).toBeGreaterThan(after)
        expect(next - after).toBeLessThanOrEqual(DAY_MS + 3_600_000)
      },
    ),
  )
})
