import { promisify } from 'node:util'
import {
  constants,
  type ZstdOptions,
  zstdCompress,
  zstdCompressSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib'

/** The fastest level: a fraction of the default's time, and nearly the same size on JSON. */
const PARAMS = { [constants.ZSTD_c_compressionLevel]: 1 }
/** About what a full batch of Kafka unpacks to. Longer contents are joined from several chunks. */
const MAX_CHUNK_BYTES = 128 * 1024
const MIN_CHUNK_BYTES = 1024
/** Above the ratio at which JSON packs, so that one chunk suffices for a frame of unknown size. */
const RATIO = 16
/** No batch is larger by the brokers' defaults: a frame that states more may lie. */
const MAX_STATED_BYTES = 4 * 1024 * 1024
/** Spare bytes behind a content: node's zlib allocates a second buffer when one is full. */
export const SPARE_BYTES = 1

const RAW = 0
const ZSTD = 1
/** Below this size compression saves nothing worth its time. */
const WORTH_IT_BYTES = 256
/** From this size on another thread packs and unpacks, so that the event loop goes on. */
const LONG_WORK_BYTES = 64 * 1024

/** A small batch gets a small chunk: a large one would only burden the collector. */
const chunkFor = (bytes: number): number => Math.min(MAX_CHUNK_BYTES, Math.max(MIN_CHUNK_BYTES, bytes))

const packing = ({ length }: Buffer): ZstdOptions => ({
  params: PARAMS,
  chunkSize: chunkFor(length),
  pledgedSrcSize: length,
})
/** Records keep their whole chunk in memory: it has just the size that the frame states. */
const unpacking = (packed: Buffer, stated: number): ZstdOptions => ({
  chunkSize:
    stated <= MAX_STATED_BYTES ? Math.max(MIN_CHUNK_BYTES, stated + SPARE_BYTES) : chunkFor(packed.length * RATIO),
})

/** In this thread: the pool packs a third fewer records, unpacks a fifth fewer (2026-11-24). */
export const packZstd = (content: Buffer): Buffer => zstdCompressSync(content, packing(content))

/** Throws `ERR_BUFFER_TOO_LARGE` for a content beyond `maxBytes`; absent: it may have any size. */
export const unpackZstd = (packed: Buffer, maxBytes?: number): Buffer => {
  const options = unpacking(packed, statedBytes(packed))
  return zstdDecompressSync(packed, maxBytes === undefined ? options : { ...options, maxOutputLength: maxBytes })
}

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** A body for the database: a codec byte, then the content, packed if that makes it smaller. */
export const packBody = async (content: Buffer): Promise<Buffer> => {
  const isLong = content.length >= LONG_WORK_BYTES
  if (content.length >= WORTH_IT_BYTES) {
    const packed = isLong ? await compress(content, packing(content)) : packZstd(content)
    if (packed.length < content.length) return Buffer.concat([Buffer.of(ZSTD), packed])
  }
  return Buffer.concat([Buffer.of(RAW), content])
}

const packedIn = (body: Buffer): Buffer | undefined => {
  if (body[0] === RAW) return undefined
  if (body[0] !== ZSTD) throw new Error(`a stored body has the unknown codec ${body[0]}`)
  return body.subarray(1)
}

/** The content of a body; a raw one shares the body's memory. */
export const unpackBody = (body: Buffer): Buffer => {
  const packed = packedIn(body)
  return packed ? unpackZstd(packed) : body.subarray(1)
}

/** The same, a long body in another thread. */
export const unpackBodyAside = async (body: Buffer): Promise<Buffer> => {
  const packed = packedIn(body)
  const stated = packed ? statedBytes(packed) : 0
  return packed && stated >= LONG_WORK_BYTES ? decompress(packed, unpacking(packed, stated)) : unpackBody(body)
}

/** Size that the frame states for its content (RFC 8878, 3.1.1.1); infinite if none. */
const statedBytes = (frame: Buffer): number => {
  const descriptor = frame[4]
  if (descriptor === undefined || frame.length < 16) return Number.POSITIVE_INFINITY
  const isSingleSegment = (descriptor & 0x20) !== 0
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!
  const at = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes
  const size = descriptor >> 6
  if (size === 0) return isSingleSegment ? frame[at]! : Number.POSITIVE_INFINITY
  if (size === 1) return frame.readUInt16LE(at) + 256
  return size === 2 ? frame.readUInt32LE(at) : Number(frame.readBigUInt64LE(at))
}
