import { promisify } from 'node:util'
import { constants, zstdCompress, zstdCompressSync, zstdDecompress, zstdDecompressSync } from 'node:zlib'
import type { BusRecord } from '../bus.ts'
import type { Chunk } from '../partition-worker.ts'
import { createColumns, toChunk } from '../record-columns.ts'

const RAW = 0
const ZSTD = 1
const OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
/** Below this, compression saves nothing worth its time. */
const WORTH_IT_BYTES = 256
/** Above this, the work is given to another thread: it would hold up everything else here. */
const LONG_WORK_BYTES = 64 * 1024
/** Per record: key, headers and value lengths as uint32, the timestamp as a double. */
const HEAD_BYTES = 20
/** zlib takes none smaller than 64. */
const MIN_CHUNK_BYTES = 1_024

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)
const NO_HEADERS: Readonly<Record<string, string>> = {}
const NO_BYTES = Buffer.alloc(0)

export type KeyedRecord = { readonly record: BusRecord; readonly key: Buffer }
export type EncodedChunk = { readonly body: Buffer; readonly rawBytes: number; readonly count: number }

/** Records of one partition as one body: a codec byte, then the records one after the other, as a whole compressed with zstd. */
export const encodeChunk = async (records: readonly KeyedRecord[], timestampMs: number): Promise<EncodedChunk> => {
  const headers = records.map(({ record }) =>
    record.headers && Object.keys(record.headers).length > 0 ? Buffer.from(JSON.stringify(record.headers)) : NO_BYTES,
  )
  let rawBytes = 1
  for (const [i, { record, key }] of records.entries())
    rawBytes += HEAD_BYTES + key.length + headers[i]!.length + record.value.length
  const raw = Buffer.allocUnsafe(rawBytes)
  raw[0] = RAW
  let at = 1
  for (const [i, { record, key }] of records.entries()) {
    at = raw.writeUInt32LE(key.length, at)
    at = raw.writeUInt32LE(headers[i]!.length, at)
    at = raw.writeUInt32LE(record.value.length, at)
    at = raw.writeDoubleLE(timestampMs, at)
    at += key.copy(raw, at)
    at += headers[i]!.copy(raw, at)
    at += record.value.copy(raw, at)
  }
  return { ...(await pack(raw)), count: records.length }
}

/** The body that is stored of one that begins with the codec byte of raw ones. */
const pack = async (raw: Buffer): Promise<Omit<EncodedChunk, 'count'>> => {
  const rawBytes = raw.length
  if (rawBytes < WORTH_IT_BYTES) return { body: raw, rawBytes }
  const content = raw.subarray(1)
  const packed = rawBytes < LONG_WORK_BYTES ? zstdCompressSync(content, OPTIONS) : await compress(content, OPTIONS)
  if (packed.length >= content.length) return { body: raw, rawBytes }
  return { body: Buffer.concat([Buffer.of(ZSTD), packed]), rawBytes }
}

const unpack = async (body: Buffer, rawBytes: number): Promise<Buffer> => {
  const content = body.subarray(1)
  if (body[0] === RAW) return content
  if (body[0] !== ZSTD) throw new Error(`unknown codec ${body[0]} in the log`)
  // Without the codec byte it is one less: one buffer of its own, with a byte to spare.
  const options = { chunkSize: Math.max(MIN_CHUNK_BYTES, rawBytes) }
  return rawBytes < LONG_WORK_BYTES ? zstdDecompressSync(content, options) : decompress(content, options)
}

export type StoredChunk = {
  readonly body: Buffer
  readonly raw_bytes: number
  readonly record_count: number
  readonly last_offset: number
}

/** A record that was taken out keeps its place as a head with this timestamp: offsets stay without gaps. */
const TAKEN_OUT = Number.NaN

/** The chunk with the values of a key's records as `edit` answers them, null taking the record out; undefined when nothing differs. */
export const editChunk = async (
  chunk: StoredChunk,
  key: Buffer,
  edit: (value: Buffer) => Buffer | null,
): Promise<Omit<EncodedChunk, 'count'> | undefined> => {
  const raw = await unpack(chunk.body, chunk.raw_bytes)
  const parts: Buffer[] = []
  let edited = false
  for (let at = 0; at < raw.length; ) {
    const keyEnd = at + HEAD_BYTES + raw.readUInt32LE(at)
    const valueAt = keyEnd + raw.readUInt32LE(at + 4)
    const end = valueAt + raw.readUInt32LE(at + 8)
    const value = raw.subarray(valueAt, end)
    const after = raw.subarray(at + HEAD_BYTES, keyEnd).equals(key) ? edit(value) : value
    edited ||= after !== value
    if (after === null) parts.push(emptyRecord())
    else if (after === value) parts.push(raw.subarray(at, end))
    else parts.push(withLength(raw.subarray(at, valueAt), after.length), after)
    at = end
  }
  return edited ? pack(Buffer.concat([Buffer.of(RAW), ...parts])) : undefined
}

/** A record's head, key and headers, for a value of another length. */
const withLength = (before: Buffer, length: number): Buffer => {
  const head = Buffer.from(before)
  head.writeUInt32LE(length, 8)
  return head
}

const emptyRecord = (): Buffer => {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeDoubleLE(TAKEN_OUT, 12)
  return head
}

/** The records of a chunk from `fromOffset` on, as one of the worker's. */
export const decodeChunk = async (stored: StoredChunk, fromOffset: number): Promise<Chunk> => {
  const raw = await unpack(stored.body, stored.raw_bytes)
  const columns = createColumns(raw, stored.record_count)
  let count = 0
  let offset = stored.last_offset - stored.record_count + 1
  let headers = NO_HEADERS
  let headerBytes: Buffer = NO_BYTES
  for (let at = 0; at < raw.length; offset++) {
    const keyEnd = at + HEAD_BYTES + raw.readUInt32LE(at)
    const headersEnd = keyEnd + raw.readUInt32LE(at + 4)
    const valueEnd = headersEnd + raw.readUInt32LE(at + 8)
    const timestampMs = raw.readDoubleLE(at + 12)
    if (offset >= fromOffset && !Number.isNaN(timestampMs)) {
      // Neighbours mostly bear the same headers: parsed once.
      if (raw.compare(headerBytes, 0, headerBytes.length, keyEnd, headersEnd) !== 0) {
        headerBytes = raw.subarray(keyEnd, headersEnd)
        headers = headerBytes.length === 0 ? NO_HEADERS : JSON.parse(headerBytes.toString())
      }
      columns.bounds.set([at + HEAD_BYTES, keyEnd, headersEnd, valueEnd], count * 4)
      columns.headers[count] = headers
      columns.offsets[count] = offset
      columns.timestamps[count++] = timestampMs
    }
    at = valueEnd
  }
  return toChunk(columns, 0, count, true)
}
