import { packBody, unpackBodyAside } from '#libs/bytes/zstd.ts'
import type { BusRecord } from '../bus.ts'
import type { Chunk } from '../partition-worker.ts'
import { createColumns, toChunk } from '../record-columns.ts'

/** Per record: the lengths of key, headers and value as uint32, the timestamp as a double. */
const HEAD_BYTES = 20
/** Timestamp of a removed record, whose head stays without key and value: offsets have no gaps. */
const REMOVED = Number.NaN
const NO_HEADERS: Readonly<Record<string, string>> = {}
const NO_BYTES = Buffer.alloc(0)

export type KeyedRecord = { readonly record: BusRecord; readonly key: Buffer }
export type EncodedChunk = { readonly body: Buffer; readonly rawBytes: number; readonly count: number }

/** Records of one writer share one object: it is encoded once, as the next is the same mostly. */
let lastHeaders: BusRecord['headers']
let lastBytes = NO_BYTES
const encodeHeaders = (headers: BusRecord['headers']): Buffer => {
  if (headers === lastHeaders) return lastBytes
  lastBytes = headers && Object.keys(headers).length > 0 ? Buffer.from(JSON.stringify(headers)) : NO_BYTES
  lastHeaders = headers
  return lastBytes
}

/** Records of one partition as one body: head, key, headers and value of each, packed together. */
export const encodeChunk = async (records: readonly KeyedRecord[], timestampMs: number): Promise<EncodedChunk> => {
  const headers = records.map(({ record }) => encodeHeaders(record.headers))
  let rawBytes = 0
  for (const [i, { record, key }] of records.entries())
    rawBytes += HEAD_BYTES + key.length + headers[i]!.length + record.value.length
  const raw = Buffer.allocUnsafe(rawBytes)
  let at = 0
  for (const [i, { record, key }] of records.entries()) {
    at = raw.writeUInt32LE(key.length, at)
    at = raw.writeUInt32LE(headers[i]!.length, at)
    at = raw.writeUInt32LE(record.value.length, at)
    at = raw.writeDoubleLE(timestampMs, at)
    at += key.copy(raw, at)
    at += headers[i]!.copy(raw, at)
    at += record.value.copy(raw, at)
  }
  return { body: await packBody(raw), rawBytes, count: records.length }
}

export type StoredChunk = {
  readonly body: Buffer
  readonly raw_bytes: number
  readonly record_count: number
  readonly last_offset: number
}

/** Applies `edit` to the values of a key; null removes a record. Undefined: nothing changed. */
export const editChunk = async (
  chunk: StoredChunk,
  key: Buffer,
  edit: (value: Buffer) => Buffer | null,
): Promise<Omit<EncodedChunk, 'count'> | undefined> => {
  const raw = await unpackBodyAside(chunk.body)
  const parts: Buffer[] = []
  let edited = false
  for (let at = 0; at < raw.length; ) {
    const keyEnd = at + HEAD_BYTES + raw.readUInt32LE(at)
    const valueAt = keyEnd + raw.readUInt32LE(at + 4)
    const end = valueAt + raw.readUInt32LE(at + 8)
    const value = raw.subarray(valueAt, end)
    const after = raw.subarray(at + HEAD_BYTES, keyEnd).equals(key) ? edit(value) : value
    edited ||= after !== value
    if (after === null) parts.push(removedRecord())
    else if (after === value) parts.push(raw.subarray(at, end))
    else parts.push(withLength(raw.subarray(at, valueAt), after.length), after)
    at = end
  }
  if (!edited) return undefined
  const content = Buffer.concat(parts)
  return { body: await packBody(content), rawBytes: content.length }
}

/** Head, key and headers of a record, with another length of its value. */
const withLength = (before: Buffer, length: number): Buffer => {
  const head = Buffer.from(before)
  head.writeUInt32LE(length, 8)
  return head
}

const removedRecord = (): Buffer => {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeDoubleLE(REMOVED, 12)
  return head
}

export const decodeChunk = async (stored: StoredChunk, fromOffset: number): Promise<Chunk> => {
  const raw = await unpackBodyAside(stored.body)
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
      // Consecutive records mostly have equal headers: these are parsed once.
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
