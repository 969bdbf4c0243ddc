import fc from 'fast-check'
import { expect, test } from 'vitest'
import { usageEventSchema } from '#libs/contracts/usage-event.ts'
import { explainEvent, isUsageEvent } from './event-check.ts'

const valid = {
  id: 'evt-1',
  source: 'web',
  type: 'Feature Used',
  accountId: 'acme',
  userId: 'u-7',
  occurredAt: '2026-11-22T10:00:00.000Z',
  properties: { feature: 'reports' },
  mode: 'live',
}

const instants = fc.oneof(
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.constantFrom(
    '2024-02-29T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '2026-11-22T10:00:00+05:30',
    '2026-11-22T10:00:00+24:00',
    '2026-11-22 10:00:00Z',
    '2026-11-22T24:00:00Z',
    '2026-11-22T10:00:00.123456789Z',
    '2026-11-22T10:00:00',
    '2026-11-22T10:00Z',
    '2026-13-01T10:00:00Z',
    '+275760-09-13T00:00:00.000Z',
    '0001-01-01T00:00:00Z',
    '2026-11-22t10:00:00z',
    '2026-11-22T10:00:60Z',
  ),
)
const names = fc.oneof(
  fc.string({ maxLength: 3, unit: 'binary' }),
  fc.integer({ min: 250, max: 260 }).map((length) => 'x'.repeat(length)),
  fc.integer({ min: 126, max: 130 }).map((length) => '😀'.repeat(length)),
  fc.integer({ min: 62, max: 66 }).map((length) => '😀'.repeat(length)),
)
const anything = fc.oneof(fc.jsonValue(), names, instants, fc.constantFrom('live', 'backfill', 'Live'))
const changedEvent = fc
  .dictionary(fc.constantFrom(...Object.keys(valid), 'other'), fc.oneof(anything, fc.constant('(absent)')), {
    maxKeys: 4,
  })
  .map((changes) =>
    Object.fromEntries(Object.entries({ ...valid, ...changes }).filter(([, value]) => value !== '(absent)')),
  )

test('the compiled check and the schema accept exactly the same events', () => {
  let accepted = 0
  let refused = 0
  fc.assert(
    fc.property(fc.oneof(changedEvent, { arbitrary: fc.jsonValue(), weight: 1 }), (event) => {
      const bySchema = usageEventSchema.safeParse(event).success
      if (bySchema) accepted += 1
      else refused += 1
      expect(isUsageEvent(event)).toBe(bySchema)
      expect(explainEvent(event).length > 0).toBe(!bySchema)
    }),
    { numRuns: 5_000 },
  )
  expect(accepted).toBeGreaterThan(200)
  expect(refused).toBeGreaterThan(200)
})
