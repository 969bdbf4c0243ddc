import type { TopicName } from '#libs/contracts/topics.ts'

/** One record to publish. One key has one partition (Kafka's murmur2) and one order. */
export type BusRecord = {
  readonly key: string
  readonly value: Buffer
  readonly headers?: Readonly<Record<string, string>>
}

export type DeliveredRecord = {
  /** Empty when the record had none. */
  readonly key: string
  /** Empty when the record had none. */
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
  /** What the records take in memory, roughly. */
  readonly bytes: number
  /** The log held more records behind these: a handler may wait for the next batch. */
  readonly more?: boolean
  /** Aborts when the partition is lost or the consumer stops. */
  readonly signal: AbortSignal
  /** Puts the record with its bytes and `reason` on `<topic>.dead`; resolves when it is stored. */
  readonly deadLetter: (record: DeliveredRecord, reason: string) => Promise<void>
}

export type ConsumeOptions = {
  /** Reads one topic: Kafka shares the topics of a group among members that may not read them. */
  readonly group: string
  readonly topic: TopicName
  /**
   * Resolves when the batch is durable: only then the group's position moves past it. Rejecting
   * redelivers the batch:
   * `UnavailableError` after a pause, for as long as it takes; any other error a few times within
   * 5 s (`PermanentError` never), then record by record, and a record that still fails is
   * dead-lettered: no record holds up its partition.
   */
  readonly handle: (batch: Batch) => Promise<void>
  /**
   * Batches of one partition in flight at once (default 1). With 2, the next batch is handed over
   * while the one before is written. When one rejects, the later ones count as rejected too.
   */
  readonly inFlight?: number
  /** Limit of the bytes of one batch (default 8 MiB). A larger single record passes alone. */
  readonly maxBatchBytes?: number
  /**
   * Shared limit of the bytes that the batches of all partitions take in memory, roughly. With it,
   * lagging partitions are read one after the other, so that each fills its batches. Default: none.
   */
  readonly maxBufferedBytes?: number
  /**
   * The handler keeps no record, nor any part of its bytes, once it has settled: the bus may free
   * their memory at once instead of leaving it to the collector.
   */
  readonly releaseAfterHandling?: boolean
}

export type Subscription = {
  /** Finishes the batches in flight, commits the position, leaves the group. */
  readonly stop: () => Promise<void>
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
  /** Creates missing topics and their `<topic>.dead`. Throws if one has too few partitions. */
  readonly ensureTopics: (topics: readonly TopicName[]) => Promise<void>
  /** Number of partitions of a topic. */
  readonly partitionsOf: (topic: TopicName) => Promise<number>
  /**
   * Resolves when all in-sync replicas have every record. Some records may be stored if it rejects.
   * Throws `UnavailableError` when the broker is unavailable.
   */
  readonly publish: (topic: string, records: readonly BusRecord[]) => Promise<void>
  readonly consume: (options: ConsumeOptions) => Promise<Subscription>
  /**
   * Removes a key's records from every topic, or replaces their values by the answers of `edit`
   * (null removes). A record removed before it was read is never delivered. Does nothing on Kafka,
   * which keeps records until their retention ends.
   */
  readonly forget: (key: string, edit?: (value: Buffer) => Buffer | null) => Promise<void>
}
