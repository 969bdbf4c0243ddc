import { expect, it } from 'vitest'
import { halfSipHash } from './half-sip-hash.ts'

/** Entry 8 of the reference's vectors: key and message are the bytes 0 to 7. */
it('hashes eight bytes to the word of the reference implementation', () => {
  const bytes = Buffer.from([0, 1, 2, 3, 4, 5, 6, 7])
  const [low, high] = [bytes.readInt32LE(0), bytes.readInt32LE(4)]
  const hash = Buffer.alloc(4)
  hash.writeInt32LE(halfSipHash([low, high], low, high))
  expect(hash.toString('hex')).toBe('d0b8848f')
})

it('depends on every bit of the key', () => {
  const hashes = new Set<number>()
  for (let bit = 0; bit < 32; bit++) {
    hashes.add(halfSipHash([1 << bit, 0], 1, 2))
    hashes.add(halfSipHash([0, 1 << bit], 1, 2))
  }
  expect(hashes.size).toBe(64)
})
