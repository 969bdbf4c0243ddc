import fc from 'fast-check'
import { v5 } from 'uuid'
import { expect, it } from 'vitest'
import { derivedId } from './ids.ts'

it('derives the UUIDv5 that the uuid library derives', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer(), (text, number) => {
      const name = `${text.length}:${text}${String(number).length}:${number}`
      expect(derivedId(text, number)).toBe(v5(name, '6f1c8a52-3f0e-5d0b-9a77-6a2f4c1d9e10'))
    }),
  )
})

it('does not confuse parts that differ only in where one ends', () => {
  expect(derivedId('a', 'bc')).not.toBe(derivedId('ab', 'c'))
})
