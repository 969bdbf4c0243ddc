import type { DeliveredRecord } from './bus.ts'
import type { LogBatch } from './kafka-batch-decoder.ts'
import type { RecordColumns } from './kafka-record-decoder.ts'
import { SPARE_BYTES } from './kafka-zstd.ts'
import { type Chunk, RECORD_OVERHEAD } from './partition-runner.ts'

type View = { readonly columns: RecordColumns; readonly index: number }

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

/** The records of batches as a fetch brought them, from an offset on (a fetch brings whole batches), one chunk a batch. */
export const toChunks = (batches: readonly LogBatch[], fromOffset: number, more: boolean): Chunk[] =>
  batches.map((batch, i) => ({ ...toChunk(batch, fromOffset), more: more || i < batches.length - 1 }))

/** Where others stand for records of the same batch, the last of them frees it. */
const free = ({ bytes, offsets }: RecordColumns, to: number): void => {
  if (to === offsets.length && hasMemoryOfItsOwn(bytes)) (bytes.buffer as ArrayBuffer).transfer(0)
}

/** Small buffers are parts of one that many share, as is a batch that came unpacked. */
const hasMemoryOfItsOwn = ({ buffer, length }: Buffer): boolean => buffer.byteLength <= length + SPARE_BYTES

const toChunk = ({ columns, from, to }: LogBatch, fromOffset: number): Chunk => {
  const { bounds, offsets } = columns
  let first = from
  while (first < to && offsets[first]! < fromOffset) first++
  const records = new Array<DeliveredRecord>(to - first)
  let bytes = 0
  for (let index = first; index < to; index++) {
    bytes +=
      bounds[index * 4 + 1]! - bounds[index * 4]! + bounds[index * 4 + 3]! - bounds[index * 4 + 2]! + RECORD_OVERHEAD
    records[index - first] = { __proto__: view, columns, index } as unknown as DeliveredRecord
  }
  return { records, bytes, free: () => free(columns, to) }
}
