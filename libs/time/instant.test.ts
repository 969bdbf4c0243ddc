import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseInstant } from './instant.ts'

it('reads what toISOString writes, for any instant of four-digit years', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }),
      (date) => {
        expect(parseInstant(date.toISOString())).toBe(date.getTime())
      },
    ),
  )
})

it('cuts digits beyond the millisecond and follows offsets', () => {
  expect(parseInstant('2026-11-22T10:00:00.1239Z')).toBe(Date.UTC(2026, 10, 22, 10, 0, 0, 123))
  expect(parseInstant('2026-11-22T10:00:00.0549999999Z')).toBe(Date.UTC(2026, 10, 22, 10, 0, 0, 54))
  expect(parseInstant('2026-11-22T10:00:00+02:00')).toBe(Date.UTC(2026, 10, 22, 8))
  expect(parseInstant('2026-11-22t10:00:00z')).toBe(Date.UTC(2026, 10, 22, 10))
})

it.each([
  '2026-02-30T00:00:00.000Z',
  '2026-02-30T00:00:00Z',
  '2026-13-01T00:00:00.000Z',
  '2026-11-22T24:00:00.000Z',
  '2026-11-22T10:60:00.000Z',
  '2026-11-22T10:00:60.000Z',
  '2026-11-22T10:00:00.00xZ',
  '2026-11-22 10:00:00.000Z',
  '2026-11-22T10:00:00.000',
  '+275760-09-13T00:00:00Z',
  '2026-11-22',
  '',
  'yesterday',
])('does not take %s for an instant', (text) => {
  expect(parseInstant(text)).toBeNaN()
})

it('cuts whatever follows the milliseconds, however long and wherever the zone', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 999 }),
      fc.stringMatching(/^\d{0,20}$/),
      fc.constantFrom('Z', '+00:00'),
      (millis, further, zone) => {
        const text = `2026-11-22T10:00:00.${String(millis).padStart(3, '0')}${further}${zone}`
        expect(parseInstant(text)).toBe(Date.UTC(2026, 10, 22, 10, 0, 0, millis))
      },
    ),
  )
})
