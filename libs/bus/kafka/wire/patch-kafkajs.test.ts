import { createRequire } from 'node:module'
import fc from 'fast-check'
import kafkajs from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { packZstd, unpackZstd } from '#libs/bytes/zstd.ts'
import { recordBytes } from '../../partition-worker.ts'
import { decodeBatch } from './batch-decoder.ts'
import { encodeBatch } from './batch-encoder.ts'
import { groupByPartition } from './group-by-partition.ts'
import { encodeRecord } from './record-encoder.ts'
import { toChunks } from './records.ts'

const { CompressionCodecs, CompressionTypes } = kafkajs

// The originals, read by their paths before a test loads the patch.
const require = createRequire(import.meta.url)
const theirRecordEncoder = require('kafkajs/src/protocol/recordBatch/record/v0/index.js') as (message: object) => object
const theirDecoder = require('kafkajs/src/protocol/recordBatch/v0/decoder.js') as (
  source: InstanceType<typeof Decoder>,
) => Promise<{ readonly records: readonly unknown[] }>
const { RecordBatch: theirBatchEncoder } = require('kafkajs/src/protocol/recordBatch/v0/index.js') as {
  readonly RecordBatch: (batch: object) => Promise<{ readonly buffer: Buffer }>
}
const Decoder = require('kafkajs/src/protocol/decoder.js') as new (
  buffer: Buffer,
) => { readonly buffer: Buffer; offset: number }

const theirGrouping = require('kafkajs/src/producer/groupMessagesPerPartition.js') as typeof groupByPartition

const ATTRIBUTES_AT = 21
const LOG_APPEND_TIME = 0x08
const FIRST_RECORD_AT = 61
const NOW = { firstTimestamp: 1_700_000_000_000, maxTimestamp: 1_700_000_000_000 }

const bytes = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
)
const messages = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  // kafkajs mistakes inherited names such as `toString` for an earlier header.
  headers: fc.dictionary(
    fc.string({ maxLength: 40 }).filter((name) => !(name in {})),
    fc.oneof(bytes, fc.array(bytes, { minLength: 2, maxLength: 3 })),
    {
      maxKeys: 3,
      noNullPrototype: true,
    },
  ),
  offsetDelta: fc.nat(),
  timestampDelta: fc.nat({ max: 2 ** 40 }),
})

const COMPRESSION = { none: 0, gzip: 1, zstd: 4 }
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async ({ buffer }: { readonly buffer: Buffer }) => packZstd(buffer),
  decompress: async (buffer: Buffer) => unpackZstd(buffer),
})

const batches = fc.record({
  messages: fc.array(messages, { minLength: 1, maxLength: 20 }),
  firstOffset: fc.nat({ max: 2 ** 45 }),
  firstTimestamp: fc.nat({ max: 2 ** 42 }),
  maxTimestamp: fc.nat({ max: 2 ** 42 }),
  compression: fc.constantFrom(...Object.values(COMPRESSION)),
  transactional: fc.boolean(),
  producerId: fc.nat(),
  producerEpoch: fc.nat({ max: 1_000 }),
  firstSequence: fc.nat(),
})

test('a batch has the bytes that kafkajs would give it, also after a record was encoded that joined no batch', async () => {
  await fc.assert(
    fc.asyncProperty(batches, fc.boolean(), async ({ messages, ...batch }, isOneLeftOver) => {
      if (isOneLeftOver) encodeRecord({ value: 'left over' })
      const lastOffsetDelta = messages.length - 1
      const own = await encodeBatch({ ...batch, lastOffsetDelta, records: messages.map(encodeRecord) })
      const theirs = await theirBatchEncoder({ ...batch, lastOffsetDelta, records: messages.map(theirRecordEncoder) })
      expect(own.size()).toBe(theirs.buffer.length)
      expect(own.buffer.equals(theirs.buffer)).toBe(true)
    }),
  )
})

test('messages are grouped by partition as kafkajs would group them', () => {
  const grouping = fc.record({ partitions: fc.nat({ max: 3 }), messages: fc.array(fc.record({ partition: fc.nat() })) })
  fc.assert(
    fc.property(grouping, ({ partitions, messages }) => {
      const request = {
        topic: 't',
        partitionMetadata: Array.from({ length: partitions }),
        messages,
        partitioner: ({ message }: { message: { partition?: number } }) => message.partition! % partitions,
      }
      expect(groupByPartition(request)).toEqual(theirGrouping(request))
    }),
  )
})

describe('the patch', () => {
  const without = (path: string, name: string) => (asked: string) =>
    asked === path ? { ...require(path), [name]: undefined } : require(asked)

  test('fits the installed kafkajs', async () => {
    const { checkKafkajs } = await import('./patch-kafkajs.ts')
    expect(() => checkKafkajs(require)).not.toThrow()
  })

  test('refuses another version of kafkajs', async () => {
    const { checkKafkajs } = await import('./patch-kafkajs.ts')
    const load = (path: string) => (path === 'kafkajs/package.json' ? { version: '2.3.0' } : require(path))
    expect(() => checkKafkajs(load)).toThrow('kafkajs 2.3.0 is installed: the replacements fit 2.2.4 only')
  })

  test('refuses a kafkajs that lacks an export, and names it', async () => {
    const { checkKafkajs } = await import('./patch-kafkajs.ts')
    const path = 'kafkajs/src/protocol/recordBatch/v0/index.js'
    expect(() => checkKafkajs(without(path, 'RecordBatch'))).toThrow(/recordBatch\/v0\/index\.js exports.*RecordBatch/)
  })

  test('refuses a kafkajs whose export takes other parameters', async () => {
    const { checkKafkajs } = await import('./patch-kafkajs.ts')
    const path = 'kafkajs/src/producer/groupMessagesPerPartition.js'
    const load = (asked: string) => (asked === path ? (_one: unknown, _two: unknown) => ({}) : require(asked))
    expect(() => checkKafkajs(load)).toThrow('groupMessagesPerPartition.js exports function of 2')
  })
})

type Theirs = {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer | Buffer[]>>
  readonly isControlRecord: boolean
}

const EMPTY = Buffer.alloc(0)

const asDelivered = ({ offset, timestamp, key, value, headers }: Theirs) => ({
  key: (key ?? EMPTY).toString(),
  value: value ?? EMPTY,
  headers: Object.fromEntries(
    Object.entries(headers).map(([name, one]) => [name, String(Array.isArray(one) ? one[0] : one)]),
  ),
  offset: Number(offset),
  timestampMs: Number(timestamp),
})

test('a batch is read as kafkajs would read it, from any offset on', async () => {
  const reads = fc.tuple(batches, fc.boolean(), fc.nat({ max: 20 }))
  await fc.assert(
    fc.asyncProperty(reads, async ([{ messages, firstOffset, ...batch }, isStampedByBroker, skipped]) => {
      const records = messages.map((message, i) => encodeRecord({ ...message, offsetDelta: i }))
      const { buffer } = await encodeBatch({ ...batch, firstOffset, lastOffsetDelta: records.length - 1, records })
      if (isStampedByBroker) buffer.writeInt16BE(buffer.readInt16BE(ATTRIBUTES_AT) | LOG_APPEND_TIME, ATTRIBUTES_AT)
      const fromOffset = firstOffset + skipped
      const theirs = (await theirDecoder(new Decoder(buffer))).records as Theirs[]
      const source = new Decoder(buffer)
      const own = (await decodeBatch(source)).records
      expect(source.offset).toBe(buffer.length)
      expect(own).toHaveLength(batch.transactional ? records.length : 1)
      expect(own.at(-1)!.offset).toBe(theirs.at(-1)!.offset)
      const chunks = toChunks(own, fromOffset, false)
      const delivered = chunks.flatMap((chunk) => chunk.records)
      expect(
        delivered.map(({ key, value, headers, offset, timestampMs }) => ({ key, value, headers, offset, timestampMs })),
      ).toEqual(theirs.map(asDelivered).filter(({ offset }) => offset >= fromOffset))
      const bytes = delivered.reduce((sum, record) => sum + recordBytes(record), 0)
      expect(chunks.reduce((sum, chunk) => sum + chunk.bytes, 0)).toBeGreaterThanOrEqual(bytes)
    }),
  )
})

test('a batch that the fetch cut off is left for the next, as kafkajs knows it', async () => {
  const { buffer } = await encodeBatch({ ...NOW, records: [encodeRecord({ value: 'whole' })] })
  await expect(decodeBatch(new Decoder(buffer.subarray(0, -1)))).rejects.toMatchObject({
    name: 'KafkaJSPartialMessageError',
  })
})

test('a batch whose record goes on behind it is read as one record that says so', async () => {
  const { buffer } = await encodeBatch({ ...NOW, records: [encodeRecord({ value: 'whole' })] })
  buffer[FIRST_RECORD_AT] = 0x7e
  const { records } = await decodeBatch(new Decoder(buffer))
  expect(records).toHaveLength(1)
  expect(records[0]).toMatchObject({ offset: '0', from: 0, to: 1 })
  expect(records[0]!.columns.headers[0]).toEqual({
    'unreadable-batch': expect.stringMatching(/^batch of 1 records, offsets 0 to 0: /),
  })
})
