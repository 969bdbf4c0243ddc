import fc from 'fast-check'
import { expect, test } from 'vitest'
import { testModel } from '../../../../tests/support/scoring/account-history.ts'
import { sourceFreshness } from './source-freshness.ts'
import { createSourceLog } from './source-log.ts'

const HOUR_MS = 3_600_000
const HOURS = 6
const { model } = testModel({
  sources: {
    web: { groups: ['usage', 'adoption'], expectedIntervalHours: HOURS },
    crm: { groups: ['usage'], expectedIntervalHours: 2 * HOURS },
  },
})
const quietFor = fc.integer({ min: 0, max: 40 * HOUR_MS })

test('groups fade from the end of the interval on, linearly and over the same time again, and the fades of two sources multiply', () => {
  fc.assert(
    fc.property(quietFor, quietFor, (web, crm) => {
      const at = 1_000 * HOUR_MS
      const seen = new Map([
        ['web', at - web],
        ['crm', at - crm],
      ])
      const fade = (quietMs: number, hours: number): number =>
        1 - Math.min(1, Math.max(0, quietMs / (hours * HOUR_MS) - 1))
      const { of } = sourceFreshness(model, seen, at)
      expect(of('adoption')).toBeCloseTo(fade(web, HOURS), 9)
      expect(of('usage')).toBeCloseTo(fade(web, HOURS) * fade(crm, 2 * HOURS), 9)
      expect(of('support')).toBe(1)
    }),
  )
})

test('between two looks a group fades by no more than an hour does, and a source never heard fades nothing', () => {
  fc.assert(
    fc.property(quietFor, (web) => {
      const at = 1_000 * HOUR_MS
      const seen = new Map([['web', at - web]])
      const now = sourceFreshness(model, seen, at)
      if (now.nextAt === Number.POSITIVE_INFINITY) {
        expect(now.of('usage')).toBe(0)
        return
      }
      expect(now.nextAt).toBeGreaterThan(at)
      const before = sourceFreshness(model, seen, now.nextAt - 1)
      expect(now.of('usage') - before.of('usage')).toBeLessThanOrEqual(1 / HOURS)
    }),
  )
  expect(sourceFreshness(model, new Map(), 0)).toMatchObject({ nextAt: Number.POSITIVE_INFINITY })
})

test('a source is silent from the instant its silence is in force until it is heard again, in whatever order they are on record', () => {
  const spans = fc.uniqueArray(fc.nat({ max: 30 }), { minLength: 2, maxLength: 12 }).map((instants) => {
    const sorted = [...instants].sort((a, b) => a - b)
    return Array.from({ length: Math.ceil(sorted.length / 2) }, (_, i) => ({
      source: 'web',
      heardAt: sorted[2 * i]! - 1,
      fromAt: sorted[2 * i]!,
      untilAt: sorted[2 * i + 1] ?? null,
    }))
  })
  fc.assert(
    fc.property(spans, fc.nat({ max: 35 }), (silences, at) => {
      const log = createSourceLog([...silences].reverse())
      const open = silences.find(({ fromAt, untilAt }) => fromAt <= at && (untilAt === null || at < untilAt))
      expect([...log.silentAt(at)]).toEqual(open === undefined ? [] : [['web', open.heardAt]])
      const changes = silences.flatMap(({ fromAt, untilAt }) => [fromAt, ...(untilAt === null ? [] : [untilAt])])
      expect(log.changedAt(at)).toBe(Math.max(Number.NEGATIVE_INFINITY, ...changes.filter((instant) => instant <= at)))
    }),
  )
})
