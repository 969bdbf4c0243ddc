import type { KafkaMessage } from 'kafkajs'
import type { DeliveredRecord } from './bus.ts'
import type { RecordPlace } from './kafka-record-decoder.ts'
import { type Chunk, RECORD_OVERHEAD } from './partition-runner.ts'

type Headers = Readonly<Record<string, string>>

/** Records of one fetch as columns: what waits in memory is the bytes they came in and a few numbers each. */
type Columns = {
  readonly bytes: Buffer
  /** Of record i: where its key begins and ends at 4i and 4i + 1, its value at 4i + 2 and 4i + 3. */
  readonly bounds: Int32Array
  readonly offsets: Float64Array
  readonly timestamps: Float64Array
  readonly headers: Headers[]
}

type View = { readonly columns: Columns; readonly index: number }

/** Decodes a field when it is read: at hundreds of thousands of records a second, what nobody reads must cost nothing. */
const view: DeliveredRecord & ThisType<View> = {
  get key() {
    const { bytes, bounds } = this.columns
    return bytes.toString('utf8', bounds[this.index * 4], bounds[this.index * 4 + 1])
  },
  get value() {
    const { bytes, bounds } = this.columns
    return bytes.subarray(bounds[this.index * 4 + 2], bounds[this.index * 4 + 3])
  },
  get text() {
    const { bytes, bounds } = this.columns
    return bytes.toString('utf8', bounds[this.index * 4 + 2], bounds[this.index * 4 + 3])
  },
  get headers() {
    return this.columns.headers[this.index]!
  },
  get offset() {
    return this.columns.offsets[this.index]!
  },
  get timestampMs() {
    return this.columns.timestamps[this.index]!
  },
}

/**
 * kafkajs' messages as the port's records, one chunk per buffer they came in. The messages themselves, a kilobyte of small objects
 * each, are let go at once: kept while they wait, they would be most of what the collector has to look at.
 */
export const toChunks = (messages: readonly KafkaMessage[], more: boolean): Chunk[] => {
  const chunks: Chunk[] = []
  for (let from = 0; from < messages.length; ) {
    const { memory } = placeOf(messages[from]!)
    let to = from + 1
    while (to < messages.length && placeOf(messages[to]!).memory === memory) to++
    chunks.push({ ...toChunk(messages, from, to, memory), more: more || to < messages.length })
    from = to
  }
  return chunks
}

const NOTHING = new ArrayBuffer(0)

/** Of the project's own decoder's messages by what they hold, of others by their buffers. */
const placeOf = (message: KafkaMessage): RecordPlace => {
  if ('memory' in message) return message as unknown as RecordPlace
  const { key, value } = message
  return {
    memory: (value ?? key)?.buffer ?? NOTHING,
    keyAt: key?.byteOffset ?? 0,
    keyLength: key?.length ?? -1,
    valueAt: value?.byteOffset ?? 0,
    valueLength: value?.length ?? -1,
  }
}

const toChunk = (messages: readonly KafkaMessage[], from: number, to: number, memory: ArrayBufferLike): Chunk => {
  const count = to - from
  const columns: Columns = {
    bytes: Buffer.from(memory),
    bounds: new Int32Array(4 * count),
    offsets: new Float64Array(count),
    timestamps: new Float64Array(count),
    headers: new Array<Headers>(count),
  }
  const records = new Array<DeliveredRecord>(count)
  const readHeaders = createHeaderReader()
  let bytes = 0
  for (let index = 0; index < count; index++) {
    const message = messages[from + index]!
    bytes += setBounds(columns.bounds, index, placeOf(message)) + RECORD_OVERHEAD
    columns.offsets[index] = Number(message.offset)
    columns.timestamps[index] = Number(message.timestamp)
    columns.headers[index] = readHeaders(message.headers)
    records[index] = { __proto__: view, columns, index } as unknown as DeliveredRecord
  }
  return { records, bytes }
}

const setBounds = (bounds: Int32Array, index: number, place: RecordPlace): number => {
  const keyLength = Math.max(0, place.keyLength)
  const valueLength = Math.max(0, place.valueLength)
  bounds[index * 4] = place.keyAt
  bounds[index * 4 + 1] = place.keyAt + keyLength
  bounds[index * 4 + 2] = place.valueAt
  bounds[index * 4 + 3] = place.valueAt + valueLength
  return keyLength + valueLength
}

/** Neighbours mostly bear the same headers: decoded once, and shared. */
const createHeaderReader = (): ((headers: KafkaMessage['headers']) => Headers) => {
  let last: KafkaMessage['headers']
  let decoded: Headers = {}
  return (headers) => {
    if (last !== headers && !isSame(last, headers)) {
      last = headers
      decoded = decodeHeaders(headers)
    }
    return decoded
  }
}

const isSame = (a: KafkaMessage['headers'], b: KafkaMessage['headers']): boolean => {
  for (const name in a) if (b?.[name] === undefined) return false
  for (const name in b) {
    const one = a?.[name]
    const other = b[name]
    if (!(one instanceof Uint8Array && other instanceof Uint8Array && Buffer.compare(one, other) === 0)) return false
  }
  return true
}

const decodeHeaders = (headers: KafkaMessage['headers']): Headers => {
  const decoded: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    const first = Array.isArray(value) ? value[0] : value
    if (first !== undefined) decoded[name] = first.toString()
  }
  return decoded
}
