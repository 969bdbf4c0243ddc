/** Where a record's key and value lie in the buffer the fetch was unpacked into; -1 for one that is null. */
export type RecordPlace = {
  readonly memory: ArrayBufferLike
  readonly keyAt: number
  readonly keyLength: number
  readonly valueAt: number
  readonly valueLength: number
}

type BatchContext = {
  readonly firstOffset: string
  readonly firstTimestamp: string
  readonly magicByte: number
  readonly isControlBatch?: boolean
  readonly timestampType: number
  readonly maxTimestamp?: string
}
const LOG_APPEND_TIME = 1

let source: Buffer = Buffer.alloc(0)
let from = 0
const readVarint = (): number => {
  let value = 0
  let factor = 1
  for (;;) {
    const byte = source[from++]
    if (byte === undefined) throw new RangeError('a record of the log ends in the middle of a number')
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    factor *= 0x80
  }
}

/** Fields of a record that are made when they are asked for. */
const lazily = {
  get key(): Buffer | null {
    const { memory, keyAt, keyLength } = this as unknown as RecordPlace
    return keyLength < 0 ? null : Buffer.from(memory, keyAt, keyLength)
  },
  get value(): Buffer | null {
    const { memory, valueAt, valueLength } = this as unknown as RecordPlace
    return valueLength < 0 ? null : Buffer.from(memory, valueAt, valueLength)
  },
}

/** kafkajs' message of a record; key and value are made when asked for. */
export const decodeRecord = (decoder: { readonly buffer: Buffer }, batchContext: BatchContext): unknown => {
  source = decoder.buffer
  const attributes = source[0]!
  from = 1
  const timestampDelta = readVarint()
  const { firstOffset, firstTimestamp, maxTimestamp, timestampType } = batchContext
  const timestamp =
    timestampType === LOG_APPEND_TIME && maxTimestamp ? maxTimestamp : String(Number(firstTimestamp) + timestampDelta)
  const offset = String(Number(firstOffset) + readVarint())
  const keyLength = readVarint()
  const keyAt = source.byteOffset + from
  from += Math.max(0, keyLength)
  const valueLength = readVarint()
  const valueAt = source.byteOffset + from
  from += Math.max(0, valueLength)
  return {
    __proto__: lazily,
    memory: source.buffer,
    keyAt,
    keyLength,
    valueAt,
    valueLength,
    magicByte: batchContext.magicByte,
    attributes,
    timestamp,
    offset,
    headers: decodeHeaders(),
    isControlRecord: batchContext.isControlBatch ?? false,
    batchContext,
  }
}

type Headers = Record<string, Buffer | null | (Buffer | null)[]>

/** The last record's headers with their bytes: neighbours mostly bear the same. */
let lastHeaders: Headers = {}
let lastBytes = Buffer.alloc(0)

const decodeHeaders = (): Headers => {
  const length = source.length - from
  if (length === lastBytes.length && source.compare(lastBytes, 0, length, from) === 0) return lastHeaders
  const bytes = Buffer.from(source.subarray(from))
  const headers: Headers = {}
  for (let left = readVarint(); left > 0; left--) {
    const name = readSlice()!.toString()
    const value = readSlice()
    const known = headers[name]
    headers[name] = known === undefined ? value : Array.isArray(known) ? [...known, value] : [known, value]
  }
  lastHeaders = headers
  lastBytes = bytes
  return headers
}

const readSlice = (): Buffer | null => {
  const length = readVarint()
  if (length < 0) return null
  from += length
  return Buffer.from(source.subarray(from - length, from))
}
