import { deadTopicOf, TOPICS } from '#libs/contracts/topics.ts'
import type { Database } from '#libs/postgres/database.ts'
import { type Clock, systemClock } from '#libs/runtime/clock.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { Registry } from '#libs/runtime/metrics.ts'
import type { Bus } from '../bus.ts'
import { createBusMetrics } from '../bus-metrics.ts'
import { toDeadLetter } from '../dead-letter.ts'
import { createNewerRecords } from '../newer-records.ts'
import { createWaitingPartitions } from '../waiting-partitions.ts'
import { type Consumer, startConsumer } from './consumer.ts'
import { createForget } from './forget.ts'
import { createGroupStore } from './group-store.ts'
import { createLogStore, type StoredTopic } from './log-store.ts'
import { createPostgresPublisher } from './publisher.ts'
import { createRetention } from './retention.ts'

/** Schema and folder for `migrate`, before `start`. */
export const BUS_SCHEMA = 'bus'
export const BUS_MIGRATIONS = new URL('./migrations', import.meta.url).pathname

const CHANNEL = 'bus'

export type PostgresBusOptions = {
  readonly database: Database
  /** Stamps the records. Heartbeats, polls and retries use real time. */
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Registry
  /** Records that every group has passed are deleted at this age; default an hour. */
  readonly retentionMs?: number
}

/**
 * The bus as a partitioned log in PostgreSQL, for one machine without Kafka. `notify` wakes
 * the readers. Members claim partitions under leases of 8 s by the database's clock.
 */
export const createPostgresBus = (options: PostgresBusOptions): Bus => {
  const { database, clock, logger, retentionMs } = options
  const metrics = createBusMetrics(options.metrics)
  const log = createLogStore(database)
  const groups = createGroupStore(database)
  const topics = new Map<string, StoredTopic>()
  const consumers = new Map<Consumer, { readonly group: string; readonly topic: string }>()
  let stopListening = async () => {}

  const topicOf = async (name: string): Promise<StoredTopic> => {
    const topic = topics.get(name) ?? (await log.findTopic(name))
    if (!topic) throw new Error(`topic ${name} does not exist`)
    topics.set(name, topic)
    return topic
  }
  const ensureTopic = async (name: string, partitions: number): Promise<void> => {
    await log.createTopic(name, partitions)
    const topic = await topicOf(name)
    if (topic.partitions < partitions)
      throw new Error(`topic ${name} has ${topic.partitions} partitions, at least ${partitions} are needed`)
  }

  const publisher = createPostgresPublisher({ log, topicOf, clock, metrics })
  const retention = createRetention({ log, groups, logger, retentionMs })

  const onNotify = (payload: string): void => {
    const [kind, first, second = ''] = payload.split(' ')
    for (const [consumer, { group, topic }] of consumers) {
      if (kind === 'records' && first === topic) consumer.onPublished(second.split(',').map(Number))
      else if (kind === 'group' && first === group && second === topic) consumer.onGroupChanged()
      // The connection was lost: notifications of any partition may have been missed.
      else if (kind === '') consumer.onPublished([...Array(topics.get(topic)!.partitions).keys()])
    }
  }

  const withNewer = createNewerRecords({ count: metrics.newer, clock: systemClock, logger })
  const waiting = createWaitingPartitions({ clock: systemClock, gauge: metrics.waiting })
  const consume: Bus['consume'] = async (consume) => {
    const topic = await topicOf(consume.topic)
    const labels = { group: consume.group, topic: topic.name }
    const consumer = await startConsumer({
      options: withNewer(consume),
      topic,
      groups,
      log,
      waiting,
      deadLetter: async (partition, record, reason) => {
        const letter = toDeadLetter({ topic: topic.name, partition }, record, reason, clock.now())
        await publisher.publish(deadTopicOf(topic.name), [letter])
        metrics.deadLettered.inc(labels)
      },
      onRecords: (count) => metrics.consumed.inc(labels, count),
      onLag: (records) => metrics.lag.set(labels, records),
      onGap: () => metrics.outOfRange.inc(),
      clock: systemClock,
      logger,
    })
    consumers.set(consumer, labels)
    return {
      check: consumer.check,
      lag: consumer.lag,
      stop: async () => {
        consumers.delete(consumer)
        await consumer.stop()
      },
    }
  }

  return {
    start: async () => {
      await database.check()
      stopListening = await database.listen(CHANNEL, onNotify)
      retention.start()
    },
    stop: async () => {
      await Promise.all([retention.stop(), ...[...consumers.keys()].map((consumer) => consumer.stop())])
      await publisher.drained()
      await stopListening()
    },
    check: database.check,
    waiting: waiting.list,
    ensureTopics: async (names) => {
      for (const name of names) {
        await ensureTopic(name, TOPICS[name].partitions)
        await ensureTopic(deadTopicOf(name), 1)
      }
    },
    partitionsOf: async (name) => (await topicOf(name)).partitions,
    committed: async () => new Map(),
    publish: publisher.publish,
    forget: createForget(log),
    consume,
  }
}
