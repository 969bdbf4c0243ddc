import { createRequire } from 'node:module'
import { packZstd } from '#libs/bytes/zstd.ts'
import { type EncodedRecord, encoded } from './record-encoder.ts'

type Batch = {
  /** kafkajs' number of the codec. */
  readonly compression?: number
  readonly firstOffset?: { toString(): string }
  readonly firstTimestamp: number
  readonly maxTimestamp: number
  readonly partitionLeaderEpoch?: number
  readonly lastOffsetDelta?: number
  readonly transactional?: boolean
  readonly producerId?: { toString(): string }
  readonly producerEpoch?: number
  readonly firstSequence?: number
  readonly records: readonly EncodedRecord[]
}
/** The shape in which kafkajs' encoders carry bytes. */
type Carried = { readonly buf: Buffer; readonly buffer: Buffer; readonly size: () => number }

type Codec = { readonly compress: (from: { readonly buffer: Buffer }) => Promise<Buffer> }
const require = createRequire(import.meta.url)
const { lookupCodec } = require('kafkajs/src/protocol/message/compression/index.js') as {
  readonly lookupCodec: (compression: number) => Codec
}
const crc32C = require('kafkajs/src/protocol/recordBatch/crc32C/index.js') as (bytes: Buffer) => number

const MAGIC = 2
const NONE = 0
const ZSTD = 4
const IN_TRANSACTION = 0x10
const AFTER_LENGTH = 12
const ATTRIBUTES_AT = 21
const HEAD_BYTES = 61

/** A batch (https://kafka.apache.org/documentation/#recordbatch) of the records encoded last. */
export const encodeBatch = async (batch: Batch): Promise<Carried> => {
  const { records, compression = NONE } = batch
  const bytes = encoded.buffer.subarray(records[0]?.from ?? 0, records.at(-1)?.to ?? 0)
  // Before the first await: the next records reuse the memory of these.
  const packed = compression === ZSTD ? packZstd(bytes) : Buffer.from(bytes)
  encoded.clear()
  const isPacked = compression === NONE || compression === ZSTD
  const body = isPacked ? packed : await lookupCodec(compression).compress({ buffer: packed })
  const buffer = Buffer.allocUnsafe(HEAD_BYTES + body.length)
  writeHead(buffer, batch, compression)
  buffer.set(body, HEAD_BYTES)
  buffer.writeUInt32BE(crc32C(buffer.subarray(ATTRIBUTES_AT)), ATTRIBUTES_AT - 4)
  return { buf: buffer, buffer, size: () => buffer.length }
}

const writeHead = (buffer: Buffer, batch: Batch, compression: number): void => {
  let at = buffer.writeBigInt64BE(BigInt(String(batch.firstOffset ?? 0)))
  at = buffer.writeInt32BE(buffer.length - AFTER_LENGTH, at)
  at = buffer.writeInt32BE(batch.partitionLeaderEpoch ?? 0, at)
  at = buffer.writeInt8(MAGIC, at)
  at = buffer.writeInt16BE(compression | (batch.transactional ? IN_TRANSACTION : 0), at + 4)
  at = buffer.writeInt32BE(batch.lastOffsetDelta ?? 0, at)
  at = buffer.writeBigInt64BE(BigInt(batch.firstTimestamp), at)
  at = buffer.writeBigInt64BE(BigInt(batch.maxTimestamp), at)
  at = buffer.writeBigInt64BE(BigInt(String(batch.producerId ?? -1)), at)
  at = buffer.writeInt16BE(batch.producerEpoch ?? 0, at)
  at = buffer.writeInt32BE(batch.firstSequence ?? 0, at)
  buffer.writeInt32BE(batch.records.length, at)
}
