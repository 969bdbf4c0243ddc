import fc from 'fast-check'
import { expect, test } from 'vitest'
import { round4, shareUnits, toUnits, UNITS_PER_POINT } from './largest-remainder.ts'

test('halves are rounded away from zero, also where a float falls just short of one', () => {
  expect(round4(0.00005)).toBe(0.0001)
  expect(round4(-0.00005)).toBe(-0.0001)
  expect(round4(1.00005)).toBe(1.0001)
  expect(round4(1.00004)).toBe(1)
  expect(Object.is(round4(-0.00001), 0)).toBe(true)
})

test('differences of rounded numbers round to the same whole units in whatever way halves go', () => {
  const published = fc.integer({ min: 0, max: 1_000_000 }).map((units) => units / UNITS_PER_POINT)
  fc.assert(
    fc.property(published, published, (a, b) => {
      expect(toUnits(a)).toBe(Math.round(a * UNITS_PER_POINT))
      expect(toUnits(a - b) || 0).toBe(Math.round((a - b) * UNITS_PER_POINT) || 0)
    }),
  )
})

test('a tie of remainders goes to the first, whatever the last bit says', () => {
  const third = 1 / 3
  expect(shareUnits([third, third, third], toUnits(1))).toEqual([3334, 3333, 3333])
  expect(shareUnits([third - 1e-14, third, third + 1e-14], toUnits(1))).toEqual([3334, 3333, 3333])
})

test('parts sum exactly to the rounded total, each less than a unit from its exact value', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 40, noNaN: true }), { minLength: 1, maxLength: 8 }), (parts) => {
      const total = toUnits(parts.reduce((sum, part) => sum + part, 0))
      const units = shareUnits(parts, total)
      expect(units.reduce((sum, unit) => sum + unit, 0)).toBe(total)
      for (const [index, part] of parts.entries()) {
        expect(Math.abs(units[index]! - part * UNITS_PER_POINT)).toBeLessThan(1.0001)
      }
    }),
  )
})
