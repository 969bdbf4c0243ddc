import { buffer } from 'node:stream/consumers'
import { createZstdCompress } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SPARE_BYTES } from '../../record-columns.ts'
import { packZstd, unpackZstd } from './zstd.ts'

const bytes = fc
  .tuple(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 2_000 }))
  .map(([part, times]) => Buffer.concat(Array.from({ length: times }, () => Buffer.from(part))))

test('what is packed is unpacked the same, into one buffer of its size', () => {
  fc.assert(
    fc.property(bytes, (given) => {
      const unpacked = unpackZstd(packZstd(given))
      expect(unpacked.equals(given)).toBe(true)
      // Smaller ones share one with others.
      if (given.length > 65_536) expect(unpacked.buffer.byteLength).toBe(given.length + SPARE_BYTES)
    }),
  )
})

test('frames of producers that do not state their size are unpacked too', async () => {
  await fc.assert(
    fc.asyncProperty(bytes, async (given) => {
      const stream = createZstdCompress()
      for (let at = 0; at < given.length; at += 10_000) stream.write(given.subarray(at, at + 10_000))
      stream.end()
      expect(unpackZstd(await buffer(stream)).equals(given)).toBe(true)
    }),
    { numRuns: 30 },
  )
})

test('a frame that states another size than it has is refused or unpacked, and never more than it holds', () => {
  const packed = packZstd(Buffer.alloc(100_000, 'a'))
  packed.writeUInt32LE(0xffffffff, 5)
  expect(() => unpackZstd(packed)).toThrow()
})
