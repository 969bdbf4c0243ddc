import fc from 'fast-check'
import { expect, test } from 'vitest'
import { furthest, hasGoneBack, isBehindBroker, type Marks } from './gone-back.ts'

const marks: fc.Arbitrary<Marks> = fc
  .array(fc.tuple(fc.constantFrom('epoch', 'a 0', 'a 1', 'b 0'), fc.nat(20)))
  .map((entries) => new Map(entries))

test('a database that only goes on never seems to have gone back, in whatever order it is looked at', () => {
  fc.assert(
    fc.property(fc.array(marks, { minLength: 1, maxLength: 10 }), (steps) => {
      const states: Marks[] = []
      for (const step of steps) states.push(furthest(states.at(-1) ?? new Map(), step))
      for (const [i, state] of states.entries())
        for (const earlier of states.slice(0, i + 1)) expect(hasGoneBack(earlier, state)).toBe(false)
    }),
  )
})

test('a database that lost any mark, or has a lower one, has gone back', () => {
  fc.assert(
    fc.property(marks, fc.nat(), fc.option(fc.nat({ max: 20 })), (known, which, loss) => {
      fc.pre(known.size > 0)
      const [what, mark] = [...known][which % known.size]!
      const now = new Map(known)
      if (loss === null) now.delete(what)
      else now.set(what, mark - 1 - loss)
      expect(hasGoneBack(known, now)).toBe(true)
    }),
  )
})

test('the broker tells of a database that is behind it, not of positions that none has kept yet', () => {
  expect(isBehindBroker(new Map([['a 0', 5]]), new Map([['a 0', 6]]))).toBe(true)
  expect(isBehindBroker(new Map([['a 0', 5]]), new Map([['a 0', 5]]))).toBe(false)
  expect(isBehindBroker(new Map([['a 0', 5]]), new Map([['a 0', -1]]))).toBe(false)
  expect(isBehindBroker(new Map(), new Map([['a 0', 6]]))).toBe(false)
})
