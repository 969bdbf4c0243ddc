import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSourceActivity } from './source-activity.ts'

const NOW = 1_000_000

const events = fc.array(
  fc.record({
    source: fc.constantFrom('web', 'crm'),
    type: fc.constantFrom('Feature Used', 'Source Heartbeat'),
    receivedAt: fc.integer({ min: 1, max: NOW + 500 }),
    backfill: fc.boolean(),
    properties: fc.oneof(
      fc.constant({}),
      fc.record({ source: fc.oneof(fc.constantFrom('billing', 'web', ''), fc.integer()) }),
    ),
  }),
  { minLength: 1, maxLength: 20 },
)

test('a source was heard when its newest live event was received, whatever came first and how often, but never ahead of now', () => {
  fc.assert(
    fc.property(events, fc.integer({ min: 1, max: 20 }), fc.infiniteStream(fc.nat()), (given, size, random) => {
      const expected = new Map<string, number>()
      for (const { source, type, receivedAt, backfill, properties } of given) {
        if (backfill) continue
        const named = type === 'Source Heartbeat' && 'source' in properties ? properties.source : ''
        const name = typeof named === 'string' && named !== '' ? named : source
        expected.set(name, Math.min(NOW, Math.max(receivedAt, expected.get(name) ?? 0)))
      }
      const shuffled = [...given, ...given.slice(0, 3)]
        .map((event) => ({ event, place: random.next().value as number }))
        .sort((a, b) => a.place - b.place)
        .map(({ event }) => event)
      const sourceActivity = createSourceActivity()
      for (let from = 0; from < shuffled.length; from += size)
        sourceActivity.recordActivity('default', shuffled.slice(from, from + size), NOW)
      const taken = sourceActivity.take(NOW, () => 0)
      expect(new Map(taken.map(({ source, heardAt }) => [source, heardAt]))).toEqual(expected)
      expect(sourceActivity.take(NOW, () => 0)).toEqual([])
    }),
  )
})
