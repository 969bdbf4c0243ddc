import { createColumns, type RecordColumns } from '../../record-columns.ts'

type Headers = Readonly<Record<string, string>>

export type BatchHead = {
  readonly count: number
  readonly firstOffset: number
  readonly firstTimestamp: number
  /** The broker's stamp of the whole batch; null: the producer stamped each record. */
  readonly appendedAt: number | null
}

let source: Buffer = Buffer.alloc(0)
let at = 0

/** Zigzag, base 128, low bits first, of a whole number of 53 bits. */
const readVarint = (): number => {
  let value = 0
  let factor = 1
  for (;;) {
    const byte = source[at++]
    if (byte === undefined) throw new RangeError('a record of the log ends in the middle of a number')
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    factor *= 0x80
  }
}

/** Records of a batch (https://kafka.apache.org/documentation/#record); `RangeError` if cut off. */
export const readRecords = (bytes: Buffer, head: BatchHead): RecordColumns => {
  const { count, firstOffset, firstTimestamp, appendedAt } = head
  source = bytes
  at = 0
  const columns = createColumns(bytes, count)
  const { bounds, offsets, timestamps, headers } = columns
  for (let index = 0; index < count; index++) {
    const length = readVarint()
    const end = at + length
    if (length < 0 || end > bytes.length) throw new RangeError('a batch of the log ends in the middle of a record')
    // The attributes: no version uses them.
    at++
    const delta = readVarint()
    timestamps[index] = appendedAt ?? firstTimestamp + delta
    offsets[index] = firstOffset + readVarint()
    readBounds(bounds, index * 4)
    readBounds(bounds, index * 4 + 2)
    headers[index] = readHeaders(end)
    at = end
  }
  return columns
}

const readBounds = (bounds: Int32Array, place: number): void => {
  const length = Math.max(0, readVarint())
  bounds[place] = at
  at += length
  bounds[place + 1] = at
}

/** The last record's headers and their bytes: consecutive records mostly have equal ones. */
let lastHeaders: Headers = {}
let lastBytes = Buffer.alloc(0)

const readHeaders = (end: number): Headers => {
  const length = end - at
  if (length === lastBytes.length && source.compare(lastBytes, 0, length, at, end) === 0) return lastHeaders
  const bytes = Buffer.from(source.subarray(at, end))
  const headers: Record<string, string> = {}
  for (let left = readVarint(); left > 0; left--) {
    const name = readText() ?? ''
    const value = readText()
    // The first header of a name counts.
    if (value !== undefined && !Object.hasOwn(headers, name)) headers[name] = value
  }
  lastHeaders = headers
  lastBytes = bytes
  return headers
}

const readText = (): string | undefined => {
  const length = readVarint()
  if (length < 0) return undefined
  at += length
  return source.toString('utf8', at - length, at)
}
