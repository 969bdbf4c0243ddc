import fc from 'fast-check'
import lzString from 'lz-string'
import { expect, test } from 'vitest'
import { lzBombOf } from '../../../tests/support/lz-bomb.ts'
import { inflateLz, inflatesBeyond } from './lz-string.ts'

test('the length of any text is known to the character before it is inflated', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 2_000 })),
      (text) => {
        const packed = lzString.compressToBase64(text)
        expect(inflatesBeyond(packed, text.length)).toBe(false)
        if (text.length > 0) expect(inflatesBeyond(packed, text.length - 1)).toBe(true)
        if (text.length > 0) expect(inflateLz(packed)).toBe(text)
      },
    ),
  )
})

test('whatever stands for more than a megabyte, or is no lz-string, is refused', () => {
  const bomb = lzBombOf(10_000)
  expect(bomb.length).toBeLessThan(25_000)
  expect(lzString.decompressFromBase64(lzBombOf(50))).toBe(' '.repeat(1_275))
  expect(() => inflateLz(bomb)).toThrow('too large')
  for (const text of ['', '====', `!${bomb}`, 'Q'.repeat(10)]) expect(() => inflateLz(text)).toThrow('not lz-string')
})
