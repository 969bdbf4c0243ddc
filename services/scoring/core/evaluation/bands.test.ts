import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Band } from '#libs/contracts/account-health.ts'
import { bandAfter, plainBand } from './bands.ts'

const limits = { healthy: 75, watch: 50, atRisk: 25, recoveryMargin: 8, insufficientBelow: 0.4 }
const next = (score: number | null, previous: Band | null, confidence = 1): Band =>
  bandAfter(score, confidence, previous, limits)

test.each<[number, Band | null, Band]>([
  [75, null, 'healthy'],
  [74.9999, null, 'watch'],
  [50, null, 'watch'],
  [49.9999, null, 'at_risk'],
  [25, null, 'at_risk'],
  [24.9999, null, 'critical'],
  [67, 'healthy', 'healthy'],
  [66.9999, 'healthy', 'watch'],
  [10, 'healthy', 'critical'],
  [74.9999, 'watch', 'watch'],
  [75, 'watch', 'healthy'],
  [49.9999, 'watch', 'at_risk'],
  [57.9999, 'at_risk', 'at_risk'],
  [58, 'at_risk', 'watch'],
  [80, 'at_risk', 'healthy'],
  [24.9999, 'at_risk', 'critical'],
  [32.9999, 'critical', 'critical'],
  [33, 'critical', 'at_risk'],
  [55, 'critical', 'at_risk'],
  [58, 'critical', 'watch'],
  [76, 'critical', 'healthy'],
  [60, 'insufficient_data', 'watch'],
])('a score of %d after %s is %s', (score, previous, band) => expect(next(score, previous)).toBe(band))

test('below the least confidence, and without a score, there is no band to speak of', () => {
  expect(next(90, 'healthy', 0.3999)).toBe('insufficient_data')
  expect(next(90, 'healthy', 0.4)).toBe('healthy')
  expect(next(null, 'healthy')).toBe('insufficient_data')
})

test('a score that stays within the margin of a line keeps the band it got there', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 50, max: 57.9999, noNaN: true }), { minLength: 1 }), (scores) => {
      const ends = scores.reduce<Band>((band, score) => next(score, band), 'at_risk')
      expect(ends).toBe('at_risk')
    }),
  )
})

test('looking again at the same score never moves the band', () => {
  const bands = fc.constantFrom<Band | null>(null, 'healthy', 'watch', 'at_risk', 'critical')
  fc.assert(
    fc.property(fc.double({ min: 0, max: 100, noNaN: true }), bands, (score, previous) => {
      const band = next(score, previous)
      expect(next(score, band)).toBe(band)
      expect(plainBand(score, limits)).toBe(next(score, null))
    }),
  )
})
