import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Curve } from '#libs/contracts/health-model.ts'
import { daysToMove, daysToNextStep, pointsAt, pointsOfStep } from './score-factor.ts'

const curve: Curve = [
  [2, 100],
  [7, 60],
  [14, 20],
  [21, 0],
]

test.each([
  [0, 100],
  [2, 100],
  [4.5, 80],
  [7, 60],
  [10.5, 40],
  [21, 0],
  [400, 0],
])('at %d the curve gives %d', (value, points) => expect(pointsAt(curve, value)).toBeCloseTo(points, 10))

const anyCurve = fc
  .uniqueArray(fc.integer({ min: -20, max: 40 }), { minLength: 1, maxLength: 6 })
  .chain((values) =>
    fc
      .array(fc.constantFrom(0, 50, 100), { minLength: values.length, maxLength: values.length })
      .map((points): Curve => values.sort((a, b) => a - b).map((value, index) => [value, points[index]!])),
  )

test('a curve that rises gives more points for more', () => {
  fc.assert(
    fc.property(
      anyCurve,
      fc.double({ min: -30, max: 50, noNaN: true }),
      fc.double({ min: 0, max: 20, noNaN: true }),
      (some, value, more) => {
        const points = some.map(([, y]) => y).sort((a, b) => a - b)
        const rising: Curve = some.map(([x], index) => [x, points[index]!])
        expect(pointsAt(rising, value + more)).toBeGreaterThanOrEqual(pointsAt(rising, value))
      },
    ),
  )
})

test('the points stay the same for exactly as many days as foretold', () => {
  fc.assert(
    fc.property(anyCurve, fc.integer({ min: -25, max: 45 }), (some, value) => {
      const days = daysToMove(some, value)
      const points = pointsAt(some, value)
      for (let day = 1; day < Math.min(days, 100); day += 1) expect(pointsAt(some, value + day)).toBe(points)
      if (days !== Number.POSITIVE_INFINITY) expect(pointsAt(some, value + days)).not.toBe(points)
    }),
  )
})

test('a step holds up to and including its limit', () => {
  const steps = {
    upTo: [
      [7, 50],
      [30, 20],
    ] as Curve,
    beyond: 0,
  }
  expect([0, 7, 8, 30, 31].map((value) => pointsOfStep(steps, value))).toEqual([50, 50, 20, 20, 0])
  expect([0, 7, 8, 30, 31].map((value) => daysToNextStep(steps, value))).toEqual([
    8,
    1,
    23,
    1,
    Number.POSITIVE_INFINITY,
  ])
})
