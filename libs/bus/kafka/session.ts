import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { createReadingTurns } from '../fetch-scheduler.ts'
import type { PartitionWorker } from '../partition-worker.ts'
import { type AssignedPartitions, createAssignedPartitions } from './partitions.ts'
import type { LogBatch } from './wire/batch-decoder.ts'
import { toChunks } from './wire/records.ts'

/** Per partition and fetch, as sent: compressed events unpack to about ten times this. Small enough that decoding one fetch does not hold up the loop for long. */
const FETCH_PARTITION_BYTES = 256 * 1024
const FETCH_BYTES = 1024 * 1024
const FETCH_WAIT_MS = 100
/** What may wait in memory over all partitions of a member. */
const WAITING_BYTES = 32 * 1024 * 1024
const HEARTBEAT_MS = 1_000
const REBALANCE_TIMEOUT_MS = 30_000
/** kafkajs fetches many times a second; when it has not for so long, it hangs. */
const HANGS_AFTER_MS = 60_000
/** How long added partitions may go unnoticed. */
const METADATA_AGE_MS = 60_000
const STOP_TIMEOUT_MS = 15_000

export type SessionOptions = {
  readonly kafka: Kafka
  readonly clock: Clock
  readonly logger: Logger
  /** As the broker calls it. */
  readonly topic: string
  readonly group: string
  readonly inFlight: number
  readonly maxBatchBytes: number
  readonly maxBufferedBytes: number | undefined
  readonly sessionTimeoutMs: number
  readonly createWorker: (
    partition: number,
    onDone: (nextOffset: number) => void,
    onRoom: () => void,
  ) => PartitionWorker
}

export type KafkaSession = {
  readonly partitions: AssignedPartitions
  /** Resolves when the consumer has died and cannot go on by itself. */
  readonly ended: Promise<void>
  readonly commit: () => Promise<void>
  readonly hangs: () => boolean
  /** Finishes the batches under way, commits, leaves the group. */
  readonly stop: () => Promise<void>
}

const createConsumer = ({ kafka, group, sessionTimeoutMs, maxBatchBytes }: SessionOptions): Consumer =>
  kafka.consumer({
    groupId: group,
    sessionTimeout: sessionTimeoutMs,
    heartbeatInterval: HEARTBEAT_MS,
    rebalanceTimeout: REBALANCE_TIMEOUT_MS,
    minBytes: 1,
    maxWaitTimeInMs: FETCH_WAIT_MS,
    maxBytesPerPartition: Math.min(maxBatchBytes, FETCH_PARTITION_BYTES),
    maxBytes: FETCH_BYTES,
    allowAutoTopicCreation: false,
    metadataMaxAge: METADATA_AGE_MS,
    // A consumer that crashed is made anew by kafka-consumer.ts, whatever the error; kafkajs gives up after some of them.
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 6, restartOnFailure: async () => false },
  })

/**
 * One membership of kafkajs in the group, from joining to the first crash. `eachBatch` only hands the records on and returns: kafkajs
 * waits for the batches of all partitions before it fetches again, and restarts the whole consumer when one throws. What is too
 * much pauses its partition. Positions are committed from outside, about once a second.
 */
export const openKafkaSession = async (options: SessionOptions): Promise<KafkaSession> => {
  const { topic, logger, clock } = options
  const consumer = createConsumer(options)
  let memberId: string | undefined
  let stopping = false
  let over = false
  let activeAt = clock.now()

  const waitingLimit = (): number =>
    Math.min(options.maxBatchBytes, WAITING_BYTES / Math.max(1, partitions.numbers().length))
  const bufferedLimit = Math.max(2, options.inFlight) * options.maxBatchBytes
  /** How full the memory of a partition is: it reads no further from 1 on. */
  const fullness = (worker: PartitionWorker): number =>
    Math.max(worker.waitingBytes() / waitingLimit(), worker.bufferedBytes() / bufferedLimit)
  const paused = new Set<number>()
  const resume = (partition: number): void => {
    if (paused.delete(partition) && !stopping && !over) consumer.resume([{ topic, partitions: [partition] }])
  }
  const pause = (partition: number): void => {
    paused.add(partition)
    consumer.pause([{ topic, partitions: [partition] }])
  }
  const readersOf = createReadingTurns(options.maxBufferedBytes)
  const takeTurns = (): void => {
    const holdings = partitions.numbers().map((partition) => {
      const { worker, next = 0, end = next } = partitions.get(partition)
      return { partition, bufferedBytes: worker.bufferedBytes(), fullness: fullness(worker), behind: next < end }
    })
    const readers = readersOf(holdings)
    for (const { partition } of holdings) {
      if (readers.has(partition)) resume(partition)
      else if (!paused.has(partition)) pause(partition)
    }
  }
  const partitions = createAssignedPartitions((partition, onDone) =>
    options.createWorker(partition, onDone, () => {
      if (paused.size > 0) takeTurns()
    }),
  )

  const commit = async (): Promise<void> => {
    const due = partitions.uncommitted()
    if (due.length === 0) return
    failpoint('bus.position.before')
    await consumer.commitOffsets(due.map(({ partition, position }) => ({ topic, partition, offset: String(position) })))
    failpoint('bus.position.after')
    partitions.committed(due)
  }
  const commitIfPossible = (): Promise<void> =>
    commit().catch((error: Error) => logger.debug({ topic, reason: error.message }, 'positions not committed'))

  const eachBatch = async ({ batch, resolveOffset, isRunning, isStale }: EachBatchPayload): Promise<void> => {
    if (stopping || !isRunning() || isStale()) return
    const { partition, messages } = batch
    const assigned = partitions.get(partition)
    assigned.end = Number(batch.highWatermark)
    assigned.next = Number(batch.lastOffset()) + 1
    resolveOffset(messages.at(-1)!.offset)
    const { fetchedOffset } = batch as unknown as { readonly fetchedOffset: string }
    assigned.worker.push(
      ...toChunks(messages as unknown as LogBatch[], Number(fetchedOffset), assigned.next < assigned.end),
    )
    takeTurns()
  }

  const { GROUP_JOIN, REBALANCING, FETCH_START, CRASH } = consumer.events
  consumer.on(FETCH_START, () => {
    activeAt = clock.now()
  })
  consumer.on(REBALANCING, () => void commitIfPossible())
  consumer.on(GROUP_JOIN, ({ payload }) => {
    const assigned = payload.memberAssignment[topic] ?? []
    // A member that was put out and came back as a new one has missed what happened meanwhile: it starts from the group's positions.
    if (payload.memberId !== memberId) partitions.assign([])
    memberId = payload.memberId
    const { kept, lost } = partitions.assign(assigned)
    for (const partition of lost) resume(partition)
    // kafkajs goes back to the committed positions of the partitions it keeps, whose records are here already.
    for (const partition of kept) {
      const { next } = partitions.get(partition)
      if (next !== undefined) consumer.seek({ topic, partition, offset: String(next) })
    }
    logger.info({ topic, group: options.group, partitions: assigned }, 'partitions assigned')
  })
  const ended = new Promise<void>((resolve) => {
    consumer.on(CRASH, () => {
      over = true
      resolve()
    })
  })

  const leave = (): Promise<unknown> =>
    Promise.race([consumer.disconnect().catch(() => undefined), sleep(clock, STOP_TIMEOUT_MS)])
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch })
  } catch (error) {
    void leave()
    throw error
  }

  return {
    partitions,
    ended,
    commit: commitIfPossible,
    hangs: () => clock.now() - activeAt > HANGS_AFTER_MS,
    stop: async () => {
      stopping = true
      if (!over) consumer.pause([{ topic }])
      await Promise.race([partitions.stop(), sleep(clock, STOP_TIMEOUT_MS)])
      await Promise.race([commitIfPossible(), sleep(clock, STOP_TIMEOUT_MS)])
      await leave()
    },
  }
}
