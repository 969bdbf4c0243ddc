import { createRequire } from 'node:module'
import { decodeBatch } from './batch-decoder.ts'
import { encodeBatch } from './batch-encoder.ts'
import { groupByPartition } from './group-by-partition.ts'
import { encodeRecord } from './record-encoder.ts'

/*
 * Replaces kafkajs' record encoder, batch encoder, batch decoder and partition grouping. The bytes
 * on the wire are unchanged. Measured 2026-11-25: kafkajs allocates some twenty objects per record,
 * and its decoding was about 44 % of a bare consumer loop, which dominates at 100,000 records/s.
 * The pinned 2.2.4 is kafkajs' last version. Should the pin fall, take `@platformatic/kafka`.
 * Import this file before kafkajs, whose producer keeps the grouping that it finds when it loads.
 */

const VERSION = '2.2.4'
const MAGIC_BYTE = 2

const REPLACEMENTS: Readonly<Record<string, unknown>> = {
  'kafkajs/src/protocol/recordBatch/record/v0/index.js': encodeRecord,
  'kafkajs/src/protocol/recordBatch/v0/index.js': { RecordBatch: encodeBatch, MAGIC_BYTE },
  'kafkajs/src/protocol/recordBatch/v0/decoder.js': decodeBatch,
  'kafkajs/src/producer/groupMessagesPerPartition.js': groupByPartition,
}

const shapeOf = (value: unknown): string => {
  if (typeof value === 'function') return `function of ${value.length}`
  if (typeof value !== 'object' || value === null) return String(value)
  return `{ ${Object.entries(value)
    .map(([name, one]) => `${name}: ${shapeOf(one)}`)
    .join(', ')} }`
}

/** Throws unless `load` finds the pinned kafkajs and exports of the replacements' shapes. */
export const checkKafkajs = (load: (path: string) => unknown): void => {
  const { version } = load('kafkajs/package.json') as { readonly version: string }
  if (version !== VERSION) throw new Error(`kafkajs ${version} is installed: the replacements fit ${VERSION} only`)
  for (const [path, own] of Object.entries(REPLACEMENTS)) {
    const found = shapeOf(load(path))
    if (found !== shapeOf(own)) throw new Error(`${path} exports ${found}: its replacement is ${shapeOf(own)}`)
  }
}

const require = createRequire(import.meta.url)
checkKafkajs(require)
for (const [path, own] of Object.entries(REPLACEMENTS)) require.cache[require.resolve(path)]!.exports = own
