import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createFairShare } from './fair-share.ts'

it('gives half to one holder alone, and leaves room for the next', () => {
  const share = createFairShare(100)
  expect([share.take('a', 50), share.take('a', 1)]).toEqual([true, false])
  expect([share.take('b', 25), share.take('b', 1)]).toEqual([true, false])
  share.giveBack('a', 50)
  expect(share.take('b', 12)).toBe(true)
})

it('never holds more than its size, and is empty when all is given back', () => {
  const step = fc.record({ holder: fc.constantFrom('a', 'b', 'c'), amount: fc.integer({ min: 0, max: 60 }) })
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const share = createFairShare(100)
      const taken = steps.filter(({ holder, amount }) => share.take(holder, amount))
      expect(taken.reduce((sum, { amount }) => sum + amount, 0)).toBeLessThanOrEqual(100)
      for (const { holder, amount } of taken) share.giveBack(holder, amount)
      expect([share.take('a', 50), share.take('a', 1)]).toEqual([true, false])
    }),
  )
})
