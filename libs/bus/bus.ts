import type { TopicName } from '#libs/contracts/topics.ts'

/** One record to publish. The key decides the partition (murmur2, as Kafka's own clients do), so one key has one order. */
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
  /** The value as UTF-8, where that is cheaper than by way of `value`. */
  readonly text?: string
  readonly headers: Readonly<Record<string, string>>
  readonly offset: number
  /** When the broker or the producer stamped it, epoch ms. */
  readonly timestampMs: number
}

export type Batch = {
  readonly topic: string
  readonly partition: number
  /** In offset order, never empty. */
  readonly records: readonly DeliveredRecord[]
  /** About what they take in memory. */
  readonly bytes: number
  /** The log held more records behind these when they were read: they come next, whoever waits for them does not wait in vain. */
  readonly more?: boolean
  /** Aborts when the partition was taken away or the consumer stops. */
  readonly signal: AbortSignal
  /** Puts the record on `<topic>.dead` with `reason` and its original bytes; resolves when the broker has it. */
  readonly deadLetter: (record: DeliveredRecord, reason: string) => Promise<void>
}

export type ConsumeOptions = {
  /** Reads one topic: Kafka shares the partitions of all topics of a group among its members, whatever each of them reads. */
  readonly group: string
  readonly topic: TopicName
  /**
   * Resolves when the batch is durable: only then does the group's position move past it.
   * Rejecting means the batch comes again: `PermanentError` at once and record by record, dead-lettering those that fail with it again;
   * `UnavailableError` after a pause, for as long as it takes; any other error a few times within 5 s, then record by record,
   * dead-lettering those that still fail, so that no record holds up its partition.
   */
  readonly handle: (batch: Batch) => Promise<void>
  /**
   * How many batches of one partition may be under way at once (default 1). With 2, the next batch is handed over while the one
   * before is being written; when one rejects, the later ones count as rejected too and all come again from the first.
   */
  readonly inFlight?: number
  /** Upper bound of the bytes of one batch (default 8 MiB; a single larger record still passes). */
  readonly maxBatchBytes?: number
  /**
   * About what the batches of all partitions may take in memory together. With it, partitions that are behind are read one after the
   * other, so that each fills its batches within the bound; by default all at once, each within its own.
   */
  readonly maxBufferedBytes?: number
  /**
   * The handler keeps no record, and nothing of one's bytes, once it has settled: their memory is given back at once, where the bus can,
   * instead of when the collector comes by.
   */
  readonly releaseAfterHandling?: boolean
}

export type Subscription = {
  /** Finishes the batches under way, commits the position, leaves the group. */
  readonly stop: () => Promise<void>
  /** Records behind the end of the log, summed over the partitions this member holds. */
  readonly lag: () => Promise<number>
}

/**
 * A partitioned log. Promises, held by one contract suite for every adapter:
 * a resolved `publish` is durable; records of one key arrive in the order published; each record reaches each group at least once,
 * whatever crashes; a partition has one reader at a time per group, except that a reader that lost it may finish its last batches.
 * Not promised: order across keys, and exactly-once delivery (readers make repetition harmless).
 */
export type Bus = {
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  /** Resolves when the log can be reached; throws `UnavailableError` otherwise. */
  readonly check: () => Promise<void>
  /** Creates the topics that are missing, with their `<topic>.dead`. Throws when one has fewer partitions than its contract asks for. */
  readonly ensureTopics: (topics: readonly TopicName[]) => Promise<void>
  /** Number of partitions of a topic. */
  readonly partitionsOf: (topic: TopicName) => Promise<number>
  /** All or none is not promised, but resolves only when every record is acknowledged by all in-sync replicas. Throws `UnavailableError` when the broker is away. */
  readonly publish: (topic: string, records: readonly BusRecord[]) => Promise<void>
  readonly consume: (options: ConsumeOptions) => Promise<Subscription>
  /**
   * Takes a key's records out of every topic, or puts what `edit` answers in place of their values (null: takes it out). Only where
   * the log is Pulso's own: Kafka keeps what it has until its retention ends. A record taken out before it was read is never delivered.
   */
  readonly forget: (key: string, edit?: (value: Buffer) => Buffer | null) => Promise<void>
}
