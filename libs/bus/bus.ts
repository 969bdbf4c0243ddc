import type { DeadTopicName, TopicName } from '#libs/contracts/topics.ts'
import type { PartitionOfGroup } from './waiting-partitions.ts'

/** One record to publish. One key has one partition (Kafka's murmur2) and one order. */
export type BusRecord = {
  readonly key: string
  readonly value: Buffer
  readonly headers?: Readonly<Record<string, string>>
}

export type DeliveredRecord = {
  /** Empty when the record had none, as is `value`. */
  readonly key: string
  readonly value: Buffer
  /** The value as UTF-8, where the adapter can decode it without `value`. */
  readonly text?: string
  readonly headers: Readonly<Record<string, string>>
  readonly offset: number
  /** Stamp of the broker or the producer, epoch ms. */
  readonly timestampMs: number
}

export type Batch = {
  readonly topic: string
  readonly partition: number
  /** In offset order, never empty. */
  readonly records: readonly DeliveredRecord[]
  readonly bytes: number
  /** The log held more records behind these: a handler may wait for the next batch. */
  readonly more?: boolean
  /** Aborts when the partition is lost or the consumer stops. */
  readonly signal: AbortSignal
  /** Puts the record with its bytes and `reason` on `<topic>.dead`; resolves when it is stored. */
  readonly deadLetter: (record: DeliveredRecord, reason: string) => Promise<void>
}

/**
 * Positions that the handler keeps in its own database, in the transaction of its work: a database
 * that was restored, or whose standby took over, reads again what it misses.
 */
export type Positions = {
  /**
   * By partition, the offset of the first record that is not durable. Absent: none is kept yet.
   * Records of `partitions` come from there: of these alone, the database may have gone back.
   */
  readonly read: (partitions: readonly number[]) => Promise<ReadonlyMap<number, number>>
  /**
   * Whether the database is behind what was written to it of these partitions. Asked every few
   * seconds: without new records no handler would notice.
   */
  readonly isBehind?: (partitions: readonly number[]) => Promise<boolean>
  /** Moves past records without the handler's transaction. */
  readonly write: (partition: number, nextOffset: number) => Promise<void>
  /** Records from `to` on come again, though the group was at `from`. Resolves before they do. */
  readonly onRewind: (rewind: {
    readonly partition: number
    readonly from: number
    readonly to: number
  }) => Promise<void>
}

export type ConsumeOptions = {
  /** Reads one topic: Kafka shares the topics of a group among members that may not read them. */
  readonly group: string
  readonly topic: TopicName | DeadTopicName
  /**
   * Resolves when the batch is durable: only then the group's position moves past it. A rejection
   * redelivers the batch: after `UnavailableError` for as long as it takes, after other errors a
   * few times within 5 s (`PermanentError`: never). Then each record is tried alone. One that fails
   * while `probe` succeeds is dead-lettered: no record holds up its partition.
   */
  readonly handle: (batch: Batch) => Promise<void>
  /**
   * Work of the same kind as the handler's, without a record. While it rejects, a failure is the
   * environment's: the partition waits. Absent: every failure is the record's own.
   */
  readonly probe?: () => Promise<unknown>
  /**
   * Where to begin, in place of the position that the broker keeps, which then only shows the lag.
   * The log in PostgreSQL ignores it: its positions are restored with the log itself. A handler
   * that throws `RewoundError` gets its partitions anew.
   */
  readonly positions?: Positions
  /** Batches of a partition at once (default 1). When one rejects, later ones count as rejected. */
  readonly inFlight?: number
  /** Limit of the bytes of one batch (default 8 MiB). A larger single record passes alone. */
  readonly maxBatchBytes?: number
  /** Shared limit of the bytes in memory of all partitions. Lagging partitions then take turns. */
  readonly maxBufferedBytes?: number
  /** The handler keeps no bytes of a record once it has settled: the bus may free them at once. */
  readonly releaseAfterHandling?: boolean
}

export type Subscription = {
  /** Finishes the batches in flight, commits the position, leaves the group. */
  readonly stop: () => Promise<void>
  /** Rejects when it has had no place in its group, or not its share of partitions, for 30 s. */
  readonly check: () => Promise<void>
  /** Records behind the end of the log, over the partitions of this member. */
  readonly lag: () => Promise<number>
}

/**
 * A partitioned log. One contract suite holds every adapter to these promises:
 * - A resolved `publish` is durable.
 * - Records of one key arrive in the order published.
 * - Each record reaches each group at least once, whatever crashes.
 * - A partition has one reader at a time per group; one that lost it may finish its last batches.
 * Not promised: order across keys, and exactly-once delivery (readers make repetition harmless).
 */
export type Bus = {
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  /** Throws `UnavailableError` unless the log can be reached. */
  readonly check: () => Promise<void>
  /** Partitions of this process that a dependency has held up for more than two seconds. */
  readonly waiting: () => readonly PartitionOfGroup[]
  /** Creates missing topics and their `<topic>.dead`. Throws if one has too few partitions. */
  readonly ensureTopics: (topics: readonly TopicName[]) => Promise<void>
  readonly partitionsOf: (topic: TopicName) => Promise<number>
  /**
   * Where the broker believes a group to be, by partition, of readers that keep positions of their
   * own. The log in PostgreSQL, which is restored with them, answers nothing.
   */
  readonly committed: (group: string, topic: TopicName) => Promise<ReadonlyMap<number, number>>
  /** If it rejects, some records may be stored. Throws `UnavailableError` without a broker. */
  readonly publish: (topic: string, records: readonly BusRecord[]) => Promise<void>
  readonly consume: (options: ConsumeOptions) => Promise<Subscription>
  /**
   * Removes a key's records, unread ones too, from every topic, or replaces values by the answers
   * of `edit` (null removes). Does nothing on Kafka, which keeps records to their retention.
   */
  readonly forget: (key: string, edit?: (value: Buffer) => Buffer | null) => Promise<void>
}
