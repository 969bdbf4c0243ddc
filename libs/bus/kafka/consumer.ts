import type { Kafka } from 'kafkajs'
import { type Clock, monotonicMs, sleep } from '#libs/runtime/clock.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { ConsumeOptions, DeliveredRecord, Subscription } from '../bus.ts'
import type { BusMetrics } from '../bus-metrics.ts'
import { checkMembership } from '../check-partitions.ts'
import { safeReason } from '../dead-letter.ts'
import { createPartitionWorker } from '../partition-worker.ts'
import type { WaitingPartitions } from '../waiting-partitions.ts'
import { type KafkaSession, openKafkaSession } from './session.ts'
import type { KafkaTopics } from './topics.ts'

const COMMIT_INTERVAL_MS = 1_000
const BEHIND_INTERVAL_MS = 5_000
const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 2_000
const MAX_BATCH_BYTES = 8 * 1024 * 1024

export type KafkaConsumerOptions = {
  readonly kafka: Kafka
  readonly topics: KafkaTopics
  readonly clock: Clock
  /** Time of the connection: intervals and time-outs. */
  readonly wireClock: Clock
  readonly logger: Logger
  readonly metrics: BusMetrics
  readonly nameOf: (topic: string) => string
  readonly sessionTimeoutMs: number
  readonly waiting: WaitingPartitions
  readonly deadLetter: (topic: string, partition: number, record: DeliveredRecord, reason: string) => Promise<void>
}

/** Keeps one member in the group until it is stopped: replaces a session that crashes or hangs. */
export const startKafkaConsumer = (consume: ConsumeOptions, options: KafkaConsumerOptions): Subscription => {
  const { kafka, topics, clock, wireClock, logger, metrics } = options
  const { topic, group, handle, inFlight = 1, maxBatchBytes = MAX_BATCH_BYTES } = consume
  const labels = { topic, group }
  const name = options.nameOf(topic)
  // Installations that share a broker must not share groups: a member is given topics of others.
  const groupId = options.nameOf(group)
  const stopped = new AbortController()
  let session: KafkaSession | undefined
  let memberAt = monotonicMs()

  const open = (): Promise<KafkaSession> =>
    openKafkaSession({
      kafka,
      clock: wireClock,
      logger,
      topic: name,
      group: groupId,
      inFlight,
      maxBatchBytes,
      maxBufferedBytes: consume.maxBufferedBytes,
      sessionTimeoutMs: options.sessionTimeoutMs,
      placement: consume.positions && {
        topics,
        clock: wireClock,
        logger,
        topic: name,
        group: groupId,
        positions: consume.positions,
        onRewind: () => metrics.rewinds.inc(labels),
      },
      createWorker: (partition, on) =>
        createPartitionWorker({
          topic,
          partition,
          group,
          handle,
          probe: consume.probe,
          positions: consume.positions,
          waiting: options.waiting,
          inFlight,
          maxBatchBytes,
          releaseAfterHandling: consume.releaseAfterHandling,
          clock,
          logger,
          onRoom: on.room,
          onRewound: on.rewound,
          onDone: (nextOffset, records) => {
            metrics.consumed.inc(labels, records)
            on.done(nextOffset)
          },
          deadLetter: async (record, reason) => {
            await options.deadLetter(topic, partition, record, reason)
            metrics.deadLettered.inc(labels)
          },
        }),
    })

  /** Whether the handler's database has gone back, though no new record has shown it. */
  const isBehind = async ({ partitions }: KafkaSession): Promise<boolean> => {
    // A database that is away is asked again.
    const isBehind = await consume.positions?.isBehind?.(partitions.placed()).catch(() => false)
    if (isBehind) logger.warn({ topic, group }, 'database is behind what was written to it')
    return isBehind === true
  }

  /** Commits once a second, until the session ends or hangs: per batch would halve the rate. */
  const watch = async (open: KafkaSession): Promise<void> => {
    let over = false
    void open.ended.then(() => {
      over = true
    })
    let askedAt = monotonicMs()
    while (!over && !stopped.signal.aborted && !open.hangs()) {
      await Promise.race([sleep(wireClock, COMMIT_INTERVAL_MS, stopped.signal), open.ended])
      if (over || stopped.signal.aborted) break
      if (open.isMember()) memberAt = monotonicMs()
      await open.commit()
      metrics.lag.set(labels, open.partitions.lag())
      if (monotonicMs() - askedAt < BEHIND_INTERVAL_MS) continue
      if (await isBehind(open)) return
      askedAt = monotonicMs()
    }
  }

  const run = async (): Promise<void> => {
    let pauseMs = FIRST_PAUSE_MS
    while (!stopped.signal.aborted) {
      try {
        session = await open()
        await watch(session)
        if (!stopped.signal.aborted) {
          metrics.consumerRestarts.inc(labels)
          logger.warn({ topic, group }, 'kafka consumer ended, a new one takes its place')
        }
        await session.stop()
        pauseMs = FIRST_PAUSE_MS
      } catch (error) {
        logger.warn({ topic, group, pauseMs, reason: safeReason(error) }, 'kafka consumer could not start yet')
      }
      session = undefined
      await sleep(wireClock, pauseMs, stopped.signal)
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
    }
  }

  const running = run()
  return {
    stop: async () => {
      stopped.abort()
      await running
    },
    check: () => checkMembership(group, memberAt),
    lag: async () => {
      const partitions = session?.partitions
      if (!partitions || partitions.numbers().length === 0) return 0
      const offsets = await topics.offsetsOf(name, groupId)
      return partitions.numbers().reduce((sum, partition) => {
        const known = offsets.get(partition)
        if (!known) return sum
        const position = partitions.get(partition).position ?? (known.committed >= 0 ? known.committed : known.low)
        return sum + Math.max(0, known.end - position)
      }, 0)
    },
  }
}
