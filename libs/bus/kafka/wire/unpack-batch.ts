import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { unzip } from 'node:zlib'
import { unpackZstd } from '#libs/bytes/zstd.ts'

type Codec = { readonly decompress: (bytes: Buffer) => Promise<Buffer> }
const require = createRequire(import.meta.url)
const { lookupCodecByAttributes } = require('kafkajs/src/protocol/message/compression/index.js') as {
  readonly lookupCodecByAttributes: (attributes: number) => Codec | null
}

/** A batch of 32 KB may unpack to a gigabyte. The largest that Pulso publishes has 2 MiB. */
export const MAX_UNPACKED_BYTES = 64 * 1024 * 1024

const CODEC = 0x07
const GZIP = 1
const SNAPPY = 2
const ZSTD = 4

const gunzip = promisify(unzip)

/** The records of a batch. Throws for a codec without a reader, and beyond `MAX_UNPACKED_BYTES`. */
export const unpackBatch = async (packed: Buffer, attributes: number): Promise<Buffer> => {
  const codec = attributes & CODEC
  if (codec === ZSTD) return unpackZstd(packed, MAX_UNPACKED_BYTES)
  if (codec === GZIP) return gunzip(packed, { maxOutputLength: MAX_UNPACKED_BYTES })
  if (codec === SNAPPY && snappyBytes(packed) > MAX_UNPACKED_BYTES)
    throw new RangeError(`a batch unpacks to more than ${MAX_UNPACKED_BYTES} bytes`)
  return (await lookupCodecByAttributes(attributes)?.decompress(packed)) ?? packed
}

const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])
const XERIAL_BLOCKS_AT = 16

/** What the blocks of a snappy text state: plain, or as Java clients frame them. */
const snappyBytes = (packed: Buffer): number => {
  if (!packed.subarray(0, XERIAL.length).equals(XERIAL)) return statedBytes(packed, 0)
  let sum = 0
  for (let at = XERIAL_BLOCKS_AT; at + 4 <= packed.length; at += 4 + packed.readUInt32BE(at))
    sum += statedBytes(packed, at + 4)
  return sum
}

/** The length that a block begins with, as a varint. */
const statedBytes = (packed: Buffer, at: number): number => {
  let value = 0
  for (let i = 0; i < 5 && at + i < packed.length; i++) {
    const byte = packed[at + i]!
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) break
  }
  return value
}
