import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createZone } from '#libs/time/time-zone.ts'
import { createCalendar } from './calendar.ts'

const HOUR_MS = 3_600_000

/** Zones with an instant near a change of their clocks. */
const changes = fc.constantFrom<readonly [timeZone: string, near: string]>(
  ['UTC', '2024-02-29'],
  ['America/Sao_Paulo', '2018-11-04'],
  ['America/Sao_Paulo', '2019-02-17'],
  ['Pacific/Auckland', '2026-04-05'],
  ['Pacific/Auckland', '2026-09-27'],
  ['Europe/Berlin', '2026-03-29'],
  ['Europe/Berlin', '2026-10-25'],
  ['America/Havana', '2026-03-08'],
  ['America/Havana', '2026-11-01'],
  ['Africa/Cairo', '2026-04-24'],
  ['Africa/Cairo', '2026-10-30'],
  ['Australia/Lord_Howe', '2026-04-05'],
  ['Australia/Lord_Howe', '2026-10-04'],
  ['Asia/Kathmandu', '2026-01-31'],
  ['Pacific/Apia', '2011-12-30'],
  ['America/St_Johns', '2010-11-07'],
)

test('the product’s zones and the reference’s calendar agree on days, their starts and days added, around changes of clocks', () => {
  const halves = fc.integer({ min: -120, max: 120 }).map((half) => (half * HOUR_MS) / 2)
  const jitter = fc.constantFrom(0, 0, -1, 1, 12_345)
  fc.assert(
    fc.property(changes, halves, jitter, fc.integer({ min: -200, max: 200 }), ([timeZone, near], half, ms, days) => {
      const at = Date.parse(near) + half + ms
      const zone = createZone(timeZone)
      const calendar = createCalendar(timeZone)
      const day = calendar.dayOf(at)
      expect(zone.dayOf(at)).toBe(day)
      expect(zone.startOfDay(day)).toBe(calendar.startOfDay(day))
      for (const from of [at, calendar.plusDays(at, -days)]) {
        expect(zone.plusDays(from, days)).toBe(calendar.plusDays(from, days))
      }
    }),
    { numRuns: 3000 },
  )
})
