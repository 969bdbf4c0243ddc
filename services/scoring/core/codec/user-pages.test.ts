import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createUserPages, pageBitsFor, relayUserPages } from './user-pages.ts'

const emptyPages = (bits: number) => {
  const userActivity = createUserPages(bits)
  for (let page = 0; page < 2 ** bits; page++) userActivity.load(page, undefined)
  return userActivity
}

it('gives back every user from the pages it wrote, at any number of pages', () => {
  const days = fc.record({
    activeDay: fc.integer({ min: -1, max: 40_000 }),
    coreDay: fc.integer({ min: -1, max: 40_000 }),
  })
  const userId = fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' }).filter((id) => !id.includes('\0'))
  fc.assert(
    fc.property(fc.dictionary(userId, days), fc.constantFrom(0, 2, 4), (users, bits) => {
      const userActivity = emptyPages(bits)
      for (const [id, value] of Object.entries(users)) userActivity.set(id, value)
      const again = createUserPages(bits)
      for (const { page, bytes } of userActivity.takeDirty()) again.load(page, bytes.toString('latin1'))
      for (const [id, value] of Object.entries(users)) expect(again.get(id)).toEqual(value)
      expect(userActivity.takeDirty()).toEqual([])
    }),
  )
})

it('refuses to answer for a user whose page is not loaded', () => {
  expect(() => createUserPages(2).get('u-1')).toThrow('before it was loaded')
})

it('spreads users over more pages without losing one', () => {
  const small = emptyPages(0)
  for (let i = 0; i < 1_000; i++) small.set(`u-${i}`, { activeDay: i, coreDay: -1 })
  const large = relayUserPages(small, pageBitsFor(1_000, 0))
  const sizes = large.takeDirty().map(({ bytes }) => bytes.toString().split('\0').length / 2)
  expect(sizes.length).toBe(4)
  expect(Math.max(...sizes)).toBeLessThan(350)
  for (let i = 0; i < 1_000; i++) expect(large.get(`u-${i}`)).toEqual({ activeDay: i, coreDay: -1 })
})
