import { type Clock, systemClock } from '#libs/runtime/clock.ts'
import type { Bus, BusRecord } from '../bus.ts'
import type { BusMetrics } from '../bus-metrics.ts'
import { partitionOf } from '../murmur2.ts'
import { createPublishBatcher, type PublishBatcher } from '../publish-batcher.ts'
import { encodeChunk, type KeyedRecord } from './chunk.ts'
import type { LogStore, StoredTopic } from './log-store.ts'

const BATCHING = { lingerMs: 2, maxRecords: 10_000, maxBytes: 4 * 1024 * 1024, maxWaitingBytes: 64 * 1024 * 1024 }

export type PostgresPublisherOptions = {
  readonly log: LogStore
  readonly topicOf: (name: string) => Promise<StoredTopic>
  /** Stamps the records. */
  readonly clock: Clock
  readonly metrics: BusMetrics
}

/** One batcher a topic; one statement appends all records of a batch. */
export const createPostgresPublisher = ({ log, topicOf, clock, metrics }: PostgresPublisherOptions) => {
  const batchers = new Map<string, PublishBatcher>()

  const send = async (topic: StoredTopic, records: readonly BusRecord[]): Promise<void> => {
    const keyed = records.map((record): KeyedRecord => ({ record, key: Buffer.from(record.key) }))
    const byPartition = Map.groupBy(keyed, ({ key }) => partitionOf(key, topic.partitions))
    const partitions = [...byPartition.keys()].sort((a, b) => a - b)
    const nowMs = clock.now()
    const chunks = await Promise.all(partitions.map((partition) => encodeChunk(byPartition.get(partition)!, nowMs)))
    const stopTimer = metrics.publishSeconds.startTimer({ topic: topic.name })
    await log.append(topic.name, partitions, chunks)
    stopTimer()
    metrics.published.inc({ topic: topic.name }, records.length)
  }

  const batcherOf = (topic: StoredTopic): PublishBatcher => {
    const known = batchers.get(topic.name)
    if (known) return known
    const batcher = createPublishBatcher({ ...BATCHING, clock: systemClock, send: (records) => send(topic, records) })
    batchers.set(topic.name, batcher)
    return batcher
  }

  const publish: Bus['publish'] = async (name, records) => {
    if (records.length > 0) await batcherOf(await topicOf(name)).publish(records)
  }
  return {
    publish,
    drained: () => Promise.all([...batchers.values()].map((batcher) => batcher.drained())),
  }
}
