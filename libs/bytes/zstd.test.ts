import { buffer } from 'node:stream/consumers'
import { createZstdCompress } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { packBody, packZstd, SPARE_BYTES, unpackBody, unpackBodyAside, unpackZstd } from './zstd.ts'

const bytes = fc
  .tuple(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 2_000 }))
  .map(([part, times]) => Buffer.concat(Array.from({ length: times }, () => Buffer.from(part))))

test('a packed content is unpacked unchanged, into one buffer of its size', () => {
  fc.assert(
    fc.property(bytes, (given) => {
      const unpacked = unpackZstd(packZstd(given))
      expect(unpacked.equals(given)).toBe(true)
      // Smaller ones share one with others.
      if (given.length > 65_536) expect(unpacked.buffer.byteLength).toBe(given.length + SPARE_BYTES)
    }),
  )
})

test('a frame that does not state its size is unpacked too', async () => {
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

test('a frame that states a wrong size is refused', () => {
  const packed = packZstd(Buffer.alloc(100_000, 'a'))
  packed.writeUInt32LE(0xffffffff, 5)
  expect(() => unpackZstd(packed)).toThrow()
})

test('a body is unpacked to the content it was packed from, short or long, in either thread', async () => {
  await fc.assert(
    fc.asyncProperty(bytes, async (content) => {
      const body = await packBody(content)
      expect(unpackBody(body).equals(content)).toBe(true)
      expect((await unpackBodyAside(body)).equals(content)).toBe(true)
      expect(body.length).toBeLessThanOrEqual(content.length + 1)
    }),
  )
})

test('a long body unpacks into one buffer of its size, though another thread packed it', async () => {
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) >>> 7))
  const body = await packBody(content)
  for (const unpacked of [unpackBody(body), await unpackBodyAside(body)])
    expect(unpacked.buffer.byteLength).toBe(content.length + SPARE_BYTES)
})

test('a body with an unknown codec is refused', () => {
  expect(() => unpackBody(Buffer.from([7, 1, 2]))).toThrow('unknown codec 7')
})
