import fc from 'fast-check'
import { expect, test } from 'vitest'
import { epochOf, nextEpisode, nextSequence, sequenceFloor } from './sequence.ts'

const MOST_EPOCHS = 2 ** 17 - 1
const epoch = fc.integer({ min: 0, max: MOST_EPOCHS - 1 })

test('numbers of the first epoch are 1, 2, 3', () => {
  expect([0, 1, 2].map((sequence) => nextSequence(sequence, sequenceFloor(0)))).toEqual([1, 2, 3])
})

test('numbers grow within an epoch and over epochs, and stay exact integers', () => {
  fc.assert(
    fc.property(fc.array(epoch, { minLength: 1, maxLength: 50 }), (epochs) => {
      let last = 0
      for (const value of epochs.toSorted((a, b) => a - b)) {
        const next = nextSequence(last, sequenceFloor(value))
        expect(next).toBeGreaterThan(last)
        expect(next).toBeLessThan(Number.MAX_SAFE_INTEGER)
        last = next
      }
    }),
  )
})

test('a database that lost changes gives none of their numbers again in the next epoch', () => {
  fc.assert(
    fc.property(
      epoch,
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 0, max: 9_999 }),
      (value, given, kept) => {
        let last = 0
        for (let i = 0; i < given % 50; i++) last = nextSequence(last, sequenceFloor(value))
        const restored = Math.max(0, last - kept)
        expect(nextSequence(restored, sequenceFloor(value + 1))).toBeGreaterThan(last)
      },
    ),
  )
})

test('episodes are 1, 2, 3 in the first epoch and begin above all earlier ones in the next', () => {
  expect([0, 1, 2].map((episode) => nextEpisode(episode, 0))).toEqual([1, 2, 3])
  expect(nextEpisode(3, 1)).toBe(10_001)
  expect(nextEpisode(10_001, 1)).toBe(10_002)
  expect(nextEpisode(0, MOST_EPOCHS)).toBeLessThan(2 ** 31)
})

test('a number says the epoch that gave it', () => {
  fc.assert(
    fc.property(epoch, fc.integer({ min: 0, max: 2 ** 36 - 2 }), (value, given) => {
      expect(epochOf(nextSequence(sequenceFloor(value) + given, sequenceFloor(value)))).toBe(value)
    }),
  )
})
