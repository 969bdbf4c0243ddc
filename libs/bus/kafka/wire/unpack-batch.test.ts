import { gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { MAX_UNPACKED_BYTES, unpackBatch } from './unpack-batch.ts'
import '../client.ts'

const bomb = Buffer.alloc(MAX_UNPACKED_BYTES + 1)
/** 5 bytes of a varint: 128 MiB. */
const stated = Buffer.from([0x80, 0x80, 0x80, 0x40, 0x00])
const framed = Buffer.concat([
  Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]),
  Buffer.alloc(8),
  Buffer.from([0, 0, 0, 5]),
  stated,
])

test.each([
  ['gzip', 1, gzipSync(bomb)],
  ['zstd', 4, zstdCompressSync(bomb)],
  ['snappy', 2, stated],
  ['snappy as Java frames it', 2, framed],
])('a batch packed by %s that unpacks to more than 64 MiB is refused', async (_, attributes, packed) => {
  await expect(unpackBatch(packed, attributes)).rejects.toThrow()
})

test.each([
  ['gzip', 1, gzipSync],
  ['zstd', 4, zstdCompressSync],
])('a batch packed by %s is unpacked', async (_, attributes, pack) => {
  expect((await unpackBatch(pack(Buffer.from('records')), attributes)).toString()).toBe('records')
})
