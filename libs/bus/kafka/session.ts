import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { createFetchScheduler } from '../fetch-scheduler.ts'
import type { PartitionWorker } from '../partition-worker.ts'
import { commitPositions, followAssignments } from './membership.ts'
import { type Assigned, type AssignedPartitions, createAssignedPartitions } from './partitions.ts'
import { type PlacementDeps, placePartitions } from './placement.ts'
import type { LogBatch } from './wire/batch-decoder.ts'
import { toChunks } from './wire/records.ts'

/** Compressed bytes of a partition in one fetch, so that decoding holds up the loop briefly. */
const FETCH_PARTITION_BYTES = 256 * 1024
const FETCH_BYTES = 1024 * 1024
const FETCH_WAIT_MS = 100
const HEARTBEAT_MS = 1_000
const REBALANCE_TIMEOUT_MS = 30_000
/** kafkajs fetches many times a second. A consumer that has not fetched for this long hangs. */
const HANGS_AFTER_MS = 60_000
const METADATA_AGE_MS = 60_000
const STOP_TIMEOUT_MS = 15_000

export type SessionOptions = {
  readonly kafka: Kafka
  readonly clock: Clock
  readonly logger: Logger
  /** The topic's name on the broker. */
  readonly topic: string
  readonly group: string
  readonly inFlight: number
  readonly maxBatchBytes: number
  readonly maxBufferedBytes: number | undefined
  readonly sessionTimeoutMs: number
  readonly placement: Omit<PlacementDeps, 'consumer'> | undefined
  readonly createWorker: (
    partition: number,
    on: { readonly done: (nextOffset: number) => void; readonly room: () => void; readonly rewound: () => void },
  ) => PartitionWorker
}

export type KafkaSession = {
  readonly partitions: AssignedPartitions
  /** Resolves when the consumer has crashed and cannot go on by itself. */
  readonly ended: Promise<void>
  readonly commit: () => Promise<void>
  readonly hangs: () => boolean
  /** Has joined the group and fetches. Its share may be empty, when others have all partitions. */
  readonly isMember: () => boolean
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
    // kafkajs gives up after some errors; consumer.ts replaces a crashed session after any.
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 6, restartOnFailure: async () => false },
  })

const MAX_REFUSED = 20

/** Fetches that were under way at a seek bring other records than those that were sought. */
const isFetchedBeforeSeek = (assigned: Assigned, fetchedOffset: number): boolean => {
  if (assigned.seekTo === undefined) return false
  const isSought = fetchedOffset === assigned.seekTo || assigned.refused >= MAX_REFUSED
  if (isSought) delete assigned.seekTo
  else assigned.refused++
  return !isSought
}

/**
 * One membership from joining to the first crash. `eachBatch` only passes records on: kafkajs waits
 * for all partitions' batches before it fetches again, and restarts when one throws. The caller
 * commits, about once a second.
 */
export const openKafkaSession = async (options: SessionOptions): Promise<KafkaSession> => {
  const { topic, group, inFlight, maxBatchBytes, maxBufferedBytes, logger, clock } = options
  const consumer = createConsumer(options)
  let state: 'open' | 'stopping' | 'crashed' = 'open'
  let fetchedAt = clock.now()
  let joined = false
  /** Infinite when every partition knows where it begins. */
  let unplacedSince = Number.POSITIVE_INFINITY

  const scheduler = createFetchScheduler({
    inFlight,
    maxBatchBytes,
    maxBufferedBytes,
    states: () => partitions.fetchStates(),
    pause: (partition) => consumer.pause([{ topic, partitions: [partition] }]),
    resume: (partition) => {
      if (state === 'open') consumer.resume([{ topic, partitions: [partition] }])
    },
  })
  const { placement } = options
  const ended = Promise.withResolvers<void>()
  const end = (): void => {
    state = 'crashed'
    ended.resolve()
  }
  const partitions = createAssignedPartitions(
    (partition, done) => options.createWorker(partition, { done, room: scheduler.onRoom, rewound: end }),
    placement === undefined,
  )

  const place = (fresh: readonly number[]): void => {
    if (placement === undefined || fresh.length === 0) return
    unplacedSince = clock.now()
    const held = new Map(fresh.map((partition) => [partition, partitions.get(partition)]))
    const isAssigned = (partition: number): boolean =>
      state === 'open' && partitions.find(partition) === held.get(partition)
    consumer.pause([{ topic, partitions: [...fresh] }])
    void placePartitions({ ...placement, consumer }, fresh, isAssigned, (partition, start) => {
      const assigned = partitions.get(partition)
      assigned.placed = true
      if (start) {
        assigned.next = start.offset
        assigned.seekTo = start.offset
        consumer.seek({ topic, partition, offset: String(start.offset) })
      }
      consumer.resume([{ topic, partitions: [partition] }])
      if (partitions.areAllPlaced()) unplacedSince = Number.POSITIVE_INFINITY
    })
  }
  const membership = { consumer, topic, group, partitions, scheduler, logger, place }

  const eachBatch = async ({ batch, resolveOffset, isRunning, isStale }: EachBatchPayload): Promise<void> => {
    if (state !== 'open' || !isRunning() || isStale()) return
    const { messages } = batch
    const { fetchedOffset } = batch as unknown as { readonly fetchedOffset: string }
    const assigned = partitions.get(batch.partition)
    // Not resolved, so that it is fetched again.
    if (!assigned.placed || isFetchedBeforeSeek(assigned, Number(fetchedOffset))) return
    assigned.end = Number(batch.highWatermark)
    assigned.next = Number(batch.lastOffset()) + 1
    resolveOffset(messages.at(-1)!.offset)
    const more = assigned.next < assigned.end
    assigned.worker.push(...toChunks(messages as unknown as LogBatch[], Number(fetchedOffset), more))
    scheduler.update()
  }

  consumer.on(consumer.events.FETCH_START, () => {
    fetchedAt = clock.now()
  })
  followAssignments(membership)
  consumer.on(consumer.events.GROUP_JOIN, () => {
    joined = true
  })
  consumer.on(consumer.events.CRASH, end)

  const withTimeout = (work: Promise<unknown>): Promise<unknown> => Promise.race([work, sleep(clock, STOP_TIMEOUT_MS)])
  const leave = (): Promise<unknown> => withTimeout(consumer.disconnect().catch(() => undefined))
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch })
  } catch (error) {
    void leave()
    throw error
  }

  const hangs = (): boolean => clock.now() - Math.min(fetchedAt, unplacedSince) > HANGS_AFTER_MS
  return {
    partitions,
    ended: ended.promise,
    commit: () => commitPositions(membership),
    hangs,
    isMember: () => state === 'open' && joined && !hangs(),
    stop: async () => {
      if (state === 'open') consumer.pause([{ topic }])
      state = 'stopping'
      await withTimeout(partitions.stop())
      await withTimeout(commitPositions(membership))
      await leave()
    },
  }
}
