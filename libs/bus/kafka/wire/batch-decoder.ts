import { createRequire } from 'node:module'
import { unpackZstd } from '#libs/bytes/zstd.ts'
import type { RecordColumns } from '../../record-columns.ts'
import { readRecords } from './record-decoder.ts'

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
type Codec = { readonly decompress: (bytes: Buffer) => Promise<Buffer> }
const require = createRequire(import.meta.url)
const { lookupCodecByAttributes } = require('kafkajs/src/protocol/message/compression/index.js') as {
  readonly lookupCodecByAttributes: (attributes: number) => Codec | null
}
const { KafkaJSPartialMessageError } = require('kafkajs/src/errors.js') as {
  KafkaJSPartialMessageError: ErrorConstructor
}

const LENGTH_AT = 8
const AFTER_LENGTH = 12
const ATTRIBUTES_AT = 21
const FIRST_TIMESTAMP_AT = 27
const MAX_TIMESTAMP_AT = 35
const PRODUCER_AT = 43
const COUNT_AT = 57
const RECORDS_AT = 61
const CODEC = 0x07
const ZSTD = 4
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
  const columns = readRecords(await unpack(packed, attributes), {
    count,
    firstOffset: Number(batch.readBigInt64BE(0)),
    firstTimestamp: Number(batch.readBigInt64BE(FIRST_TIMESTAMP_AT)),
    appendedAt: attributes & LOG_APPEND_TIME ? Number(batch.readBigInt64BE(MAX_TIMESTAMP_AT)) : null,
  })
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
  if (!inTransaction) return { records: [messageOf(0, count)] }
  return { records: Array.from({ length: count }, (_, index) => messageOf(index, index + 1)) }
}

const unpack = async (packed: Buffer, attributes: number): Promise<Buffer> =>
  (attributes & CODEC) === ZSTD
    ? unpackZstd(packed)
    : ((await lookupCodecByAttributes(attributes)?.decompress(packed)) ?? packed)

const keyAt = ({ bytes, bounds }: RecordColumns, index: number): Buffer =>
  bytes.subarray(bounds[index * 4], bounds[index * 4 + 1])
