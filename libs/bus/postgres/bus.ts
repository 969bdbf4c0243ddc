import { deadTopicOf, TOPICS } from '#libs/contracts/topics.ts'
import type { Database } from '#libs/postgres/database.ts'
import { type Clock, sleep, systemClock } from '#libs/runtime/clock.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#libs/runtime/durations.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { Registry } from '#libs/runtime/metrics.ts'
import type { Bus, BusRecord } from '../bus.ts'
import { createBusMetrics } from '../bus-metrics.ts'
import { toDeadLetter } from '../dead-letter.ts'
import { partitionOf } from '../murmur2.ts'
import { createPublishBatcher, type PublishBatcher } from '../publish-batcher.ts'
import { encodeChunk, type KeyedRecord } from './chunk.ts'
import { type Consumer, startConsumer } from './consumer.ts'
import { createForget } from './forget.ts'
import { createGroupStore } from './group-store.ts'
import { createLogStore, type StoredTopic } from './log-store.ts'

/** Schema and folder for `migrate`, before `start`. */
export const BUS_SCHEMA = 'bus'
export const BUS_MIGRATIONS = new URL('./migrations', import.meta.url).pathname

const wireClock = systemClock
const CHANNEL = 'bus'
const BATCHING = { lingerMs: 2, maxRecords: 10_000, maxBytes: 4 * 1024 * 1024, maxWaitingBytes: 64 * 1024 * 1024 }
const CLEAN_EVERY_MS = MINUTE_MS
const DEAD_RETENTION_MS = 30 * DAY_MS

export type PostgresBusOptions = {
  readonly database: Database
  /** Stamps the records. Heartbeats, polls and retries go by the world's clock, also where a test holds this one still. */
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Registry
  /** Records that every group has passed are kept this long; default an hour. Dead letters are kept 30 days. */
  readonly retentionMs?: number
}

/**
 * The bus as a partitioned log in PostgreSQL, for one machine without Kafka. An append is one statement for all that was published
 * at once; readers are woken by `notify`; a group's members hold partitions under leases of 8 s by the database's clock.
 */
export const createPostgresBus = ({
  database,
  clock,
  logger,
  metrics: registry,
  retentionMs,
}: PostgresBusOptions): Bus => {
  const metrics = createBusMetrics(registry)
  const log = createLogStore(database)
  const groups = createGroupStore(database)
  const topics = new Map<string, StoredTopic>()
  const batchers = new Map<string, PublishBatcher>()
  const consumers = new Map<Consumer, { group: string; topic: string }>()
  const stopping = new AbortController()
  let stopListening = async () => {}
  let cleaning: Promise<void> | undefined
  const topicOf = async (name: string): Promise<StoredTopic> => {
    const known = topics.get(name) ?? (await log.findTopic(name))
    if (!known) throw new Error(`topic ${name} does not exist`)
    topics.set(name, known)
    return known
  }

  const ensureTopic = async (name: string, partitions: number): Promise<void> => {
    await log.createTopic(name, partitions)
    const there = await topicOf(name)
    if (there.partitions < partitions)
      throw new Error(`topic ${name} has ${there.partitions} partitions, at least ${partitions} are needed`)
  }

  const send = async (topic: StoredTopic, records: readonly BusRecord[]): Promise<void> => {
    const byPartition = new Map<number, KeyedRecord[]>()
    for (const record of records) {
      const key = Buffer.from(record.key)
      const partition = partitionOf(key, topic.partitions)
      const there = byPartition.get(partition)
      if (there) there.push({ record, key })
      else byPartition.set(partition, [{ record, key }])
    }
    const parts = [...byPartition].sort(([a], [b]) => a - b)
    const nowMs = clock.now()
    const chunks = await Promise.all(parts.map(([, part]) => encodeChunk(part, nowMs)))
    const stopTimer = metrics.publishSeconds.startTimer({ topic: topic.name })
    await log.append(
      topic.name,
      parts.map(([partition]) => partition),
      chunks,
    )
    stopTimer()
    metrics.published.inc({ topic: topic.name }, records.length)
  }

  const batcherOf = (topic: StoredTopic): PublishBatcher => {
    const batcher =
      batchers.get(topic.name) ??
      createPublishBatcher({ ...BATCHING, clock: wireClock, send: (records) => send(topic, records) })
    batchers.set(topic.name, batcher)
    return batcher
  }

  const publish: Bus['publish'] = async (name, records) => {
    if (records.length > 0) await batcherOf(await topicOf(name)).publish(records)
  }

  const onNotify = (payload: string): void => {
    const [kind, first, second = ''] = payload.split(' ')
    for (const [consumer, { group, topic }] of consumers) {
      if (kind === 'records' && first === topic) consumer.onPublished(second.split(',').map(Number))
      else if (kind === 'group' && first === group && second === topic) consumer.onGroupChanged()
      else if (kind === '') consumer.onPublished(Array.from({ length: topics.get(topic)!.partitions }, (_, i) => i))
    }
  }

  const clean = async (): Promise<void> => {
    await groups.forgetDeadMembers()
    for (const { topic_id: topicId, partition, name } of await log.listPartitions()) {
      const keepMs = name.endsWith(deadTopicOf('')) ? DEAD_RETENTION_MS : (retentionMs ?? HOUR_MS)
      while (!stopping.signal.aborted && (await log.deleteOld({ topicId, partition }, keepMs))) {}
    }
  }
  const keepClean = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await clean().catch((error) => logger.warn({ err: error }, 'old records could not be deleted yet'))
      await sleep(wireClock, CLEAN_EVERY_MS, stopping.signal)
    }
  }

  return {
    start: async () => {
      await database.check()
      stopListening = await database.listen(CHANNEL, onNotify)
      cleaning = keepClean()
    },
    stop: async () => {
      stopping.abort()
      await Promise.all([...consumers.keys()].map((consumer) => consumer.stop()))
      await Promise.all([...batchers.values()].map((batcher) => batcher.drained()))
      await stopListening()
      await cleaning
    },
    check: database.check,
    ensureTopics: async (names) => {
      for (const name of names) {
        await ensureTopic(name, TOPICS[name].partitions)
        await ensureTopic(deadTopicOf(name), 1)
      }
    },
    partitionsOf: async (name) => (await topicOf(name)).partitions,
    publish,
    forget: createForget(log),
    consume: async (options) => {
      const topic = await topicOf(options.topic)
      const labels = { group: options.group, topic: topic.name }
      const consumer = await startConsumer({
        options,
        topic,
        groups,
        log,
        deadLetter: async (partition, record, reason) => {
          await publish(deadTopicOf(topic.name), [
            toDeadLetter({ topic: topic.name, partition }, record, reason, clock.now()),
          ])
          metrics.deadLettered.inc(labels)
        },
        onRecords: (count) => metrics.consumed.inc(labels, count),
        onLag: (records) => metrics.lag.set(labels, records),
        onGap: () => metrics.outOfRange.inc(),
        clock: wireClock,
        logger,
      })
      consumers.set(consumer, labels)
      return {
        lag: consumer.lag,
        stop: async () => {
          consumers.delete(consumer)
          await consumer.stop()
        },
      }
    },
  }
}
