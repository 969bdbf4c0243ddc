import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createZone, dateOfDay } from './time-zone.ts'

const ZONES = ['UTC', 'America/Sao_Paulo', 'Pacific/Auckland', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Apia']
const dayNumber = (date: string): number => Date.parse(`${date}T00:00:00Z`) / 86_400_000
const iso = (atMs: number): string => new Date(atMs).toISOString()

const localDate = (timeZone: string, atMs: number): string =>
  new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(atMs)

test('the day of an instant is the date that a calendar in that zone shows', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ZONES),
      fc.integer({ min: Date.parse('2000-01-01'), max: Date.parse('2040-01-01') }),
      (timeZone, at) => {
        expect(dateOfDay(createZone(timeZone).dayOf(at))).toBe(localDate(timeZone, at))
      },
    ),
    { numRuns: 400 },
  )
})

test('a day begins at the first instant of its date, and not a millisecond earlier', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('UTC', 'America/Sao_Paulo', 'Pacific/Auckland', 'America/New_York'),
      fc.integer({ min: dayNumber('2012-01-01'), max: dayNumber('2030-01-01') }),
      (timeZone, day) => {
        const zone = createZone(timeZone)
        expect(zone.dayOf(zone.startOfDay(day))).toBe(day)
        expect(zone.dayOf(zone.startOfDay(day) - 1)).toBe(day - 1)
      },
    ),
    { numRuns: 400 },
  )
})

test('in São Paulo the day that clocks skipped midnight began at one o’clock', () => {
  const zone = createZone('America/Sao_Paulo')
  expect(iso(zone.startOfDay(dayNumber('2018-11-04')))).toBe('2018-11-04T03:00:00.000Z')
  expect(zone.dayOf(Date.parse('2018-11-04T02:59:59.999Z'))).toBe(dayNumber('2018-11-03'))
})

test('in São Paulo the hour before midnight that came twice belongs to the old day both times', () => {
  const zone = createZone('America/Sao_Paulo')
  expect(zone.dayOf(Date.parse('2018-02-18T01:30:00Z'))).toBe(dayNumber('2018-02-17'))
  expect(zone.dayOf(Date.parse('2018-02-18T02:30:00Z'))).toBe(dayNumber('2018-02-17'))
  expect(iso(zone.startOfDay(dayNumber('2018-02-18')))).toBe('2018-02-18T03:00:00.000Z')
})

test('days that are 23 or 25 hours long keep the wall time in Auckland', () => {
  const zone = createZone('Pacific/Auckland')
  expect(iso(zone.plusDays(Date.parse('2026-09-25T20:00:00Z'), 1))).toBe('2026-09-26T19:00:00.000Z')
  expect(iso(zone.plusDays(Date.parse('2026-04-03T19:00:00Z'), 2))).toBe('2026-04-05T20:00:00.000Z')
})

test('a wall time that a clock change skips moves on by the gap, one that comes twice is the earlier', () => {
  const zone = createZone('Pacific/Auckland')
  const twoThirty = Date.parse('2026-09-25T14:30:00Z')
  expect(iso(zone.plusDays(twoThirty, 1))).toBe('2026-09-26T14:30:00.000Z')
  expect(localDate('Pacific/Auckland', zone.plusDays(twoThirty, 1))).toBe('2026-09-27')
  const autumn = Date.parse('2026-04-03T13:30:00Z')
  expect(iso(zone.plusDays(autumn, 1))).toBe('2026-04-04T13:30:00.000Z')
})

test('a leap day and the end of a month are days like others', () => {
  for (const timeZone of ZONES) {
    const zone = createZone(timeZone)
    const noon = zone.startOfDay(dayNumber('2028-02-28')) + 43_200_000
    expect(dateOfDay(zone.dayOf(zone.plusDays(noon, 1)))).toBe('2028-02-29')
    expect(dateOfDay(zone.dayOf(zone.plusDays(noon, 2)))).toBe('2028-03-01')
  }
})

test('a name that is no time zone is refused', () => {
  expect(() => createZone('Mars/Olympus')).toThrow(RangeError)
})
