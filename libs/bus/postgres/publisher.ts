import { type Clock, systemClock } from '#libs/runtime/clock.ts'
import type { BusRecord } from '../bus.ts'
import type { BusMetrics } from '../bus-metrics.ts'
import { partitionOf } from '../murmur2.ts'
import { createPublishBatcher, type PublishBatcher } from '../publish-batcher.ts'
import { encodeChunk, type KeyedRecord } from './chunk.ts'
import type { LogStore, StoredTopic } from './log-store.ts'

const BATCHING = { lingerMs: 2, maxRecords: 10_000, maxBytes: 4 * 1024 * 1024, maxWaitingBytes: 64 * 1024 * 1024 }

export type PostgresPublisherOptions = {
  readonly log: LogStore
  readonly topicOf: (name: string) => Promise<StoredTopic>
  readonly clock: Clock
  readonly metrics: BusMetrics
}

/** One statement appends all records of a send. */
export const createPostgresPublisher = (options: PostgresPublisherOptions): PublishBatcher => {
  const { log, topicOf, clock, metrics } = options
  const send = async (topic: string, records: readonly BusRecord[]): Promise<void> => {
    const { partitions: count } = await topicOf(topic)
    const keyed = records.map((record): KeyedRecord => ({ record, key: Buffer.from(record.key) }))
    const byPartition = Map.groupBy(keyed, ({ key }) => partitionOf(key, count))
    const partitions = [...byPartition.keys()].sort((a, b) => a - b)
    const nowMs = clock.now()
    const chunks = await Promise.all(partitions.map((partition) => encodeChunk(byPartition.get(partition)!, nowMs)))
    const stopTimer = metrics.publishSeconds.startTimer({ topic })
    await log.append(topic, partitions, chunks)
    stopTimer()
    metrics.published.inc({ topic }, records.length)
  }
  return createPublishBatcher({ ...BATCHING, clock: systemClock, send })
}
