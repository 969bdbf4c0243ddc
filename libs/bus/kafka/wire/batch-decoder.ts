import { createRequire } from 'node:module'
import { UNREADABLE_BATCH } from '../../dead-letter.ts'
import { createColumns, type RecordColumns } from '../../record-columns.ts'
import { readRecords } from './record-decoder.ts'
import { unpackBatch } from './unpack-batch.ts'

/** What kafkajs reads of a message: a batch passes for one with the offset of its last record. */
export type LogBatch = {
  readonly offset: string
  readonly key: Buffer | null
  readonly isControlRecord: boolean
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean }
  readonly columns: RecordColumns
  /** Its records are those of `columns` from `from` to before `to`. */
  readonly from: number
  readonly to: number
}

type Source = { readonly buffer: Buffer; offset: number }
const require = createRequire(import.meta.url)
const { KafkaJSPartialMessageError } = require('kafkajs/src/errors.js') as {
  KafkaJSPartialMessageError: ErrorConstructor
}

const LENGTH_AT = 8
const AFTER_LENGTH = 12
const ATTRIBUTES_AT = 21
const LAST_OFFSET_DELTA_AT = 23
const FIRST_TIMESTAMP_AT = 27
const MAX_TIMESTAMP_AT = 35
const PRODUCER_AT = 43
const COUNT_AT = 57
const RECORDS_AT = 61
const LOG_APPEND_TIME = 0x08
const IN_TRANSACTION = 0x10
const CONTROL = 0x20

/**
 * Reads a batch (https://kafka.apache.org/documentation/#recordbatch) as one message for all its
 * records. In a transaction each record is a message: kafkajs checks each for an abort.
 */
export const decodeBatch = async (source: Source): Promise<{ readonly records: readonly LogBatch[] }> => {
  const batch = source.buffer.subarray(source.offset)
  const length = batch.readInt32BE(LENGTH_AT)
  if (batch.length - AFTER_LENGTH < length)
    throw new KafkaJSPartialMessageError('the fetch ends in the middle of a batch')
  source.offset += AFTER_LENGTH + length
  const attributes = batch.readInt16BE(ATTRIBUTES_AT)
  const count = batch.readInt32BE(COUNT_AT)
  if (count <= 0) return { records: [] }
  const packed = batch.subarray(RECORDS_AT, AFTER_LENGTH + length)
  const columns = await readColumns(batch, packed, { attributes, count })
  const records = columns.offsets.length
  const isControlRecord = (attributes & CONTROL) !== 0
  const inTransaction = (attributes & IN_TRANSACTION) !== 0
  const batchContext = { producerId: String(batch.readBigInt64BE(PRODUCER_AT)), inTransaction }
  const messageOf = (from: number, to: number): LogBatch => ({
    offset: String(columns.offsets[to - 1]),
    key: isControlRecord ? keyAt(columns, from) : null,
    isControlRecord,
    batchContext,
    columns,
    from,
    to,
  })
  if (!inTransaction) return { records: [messageOf(0, records)] }
  return { records: Array.from({ length: records }, (_, index) => messageOf(index, index + 1)) }
}

type Header = { readonly attributes: number; readonly count: number }

/**
 * A batch that cannot be unpacked or read would come again for ever. In its place stands one
 * record, at its last offset, which the reader dead-letters.
 */
const readColumns = async (batch: Buffer, packed: Buffer, { attributes, count }: Header): Promise<RecordColumns> => {
  const firstOffset = Number(batch.readBigInt64BE(0))
  const maxTimestamp = Number(batch.readBigInt64BE(MAX_TIMESTAMP_AT))
  try {
    return readRecords(await unpackBatch(packed, attributes), {
      count,
      firstOffset,
      firstTimestamp: Number(batch.readBigInt64BE(FIRST_TIMESTAMP_AT)),
      appendedAt: attributes & LOG_APPEND_TIME ? maxTimestamp : null,
    })
  } catch (error) {
    const lastOffset = firstOffset + batch.readInt32BE(LAST_OFFSET_DELTA_AT)
    const reason = `batch of ${count} records, offsets ${firstOffset} to ${lastOffset}: ${(error as Error).message}`
    const bytes = Buffer.from(reason)
    const columns = createColumns(bytes, 1)
    columns.bounds.set([0, 0, 0, bytes.length])
    columns.offsets[0] = lastOffset
    columns.timestamps[0] = maxTimestamp
    columns.headers[0] = { [UNREADABLE_BATCH]: reason }
    return columns
  }
}

const keyAt = ({ bytes, bounds }: RecordColumns, index: number): Buffer =>
  bytes.subarray(bounds[index * 4], bounds[index * 4 + 1])
