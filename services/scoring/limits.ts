/**
 * The fixed numbers of the flush path, in the order in which an event meets them, each with its
 * reason and its measurement. A number without a measurement was not measured by itself. All were
 * measured in November 2026 on two cores. The bounds that an operator sets are in `config.ts`,
 * those of fetching in `libs/bus`.
 */

/**
 * Flushes that the events in memory are divided among: one flush is folded and one is written while
 * the next comes in. Each may have as many batches of a partition as fit, since an account costs
 * once per flush: flushes of 50,000 events score 103,000 events/s, flushes of 20,000 events 68,000.
 */
export const FLUSHES_BUFFERED = 3

/** Flushes under way, all partitions: one is folded, one written. A third makes each smaller. */
export const MAX_FLUSHES = 2
/** Flushes under way of one partition: one is folded while the flush before is written. */
export const MAX_FLUSHES_OF_PARTITION = 2

/** Age of a record in a backlog: more delay is lost in it, and larger flushes clear it sooner. */
export const BACKLOG_AGE_MS = 2_000
/** The oldest record of a backlog waits for half of its age, at most this long. */
export const MAX_GATHER_MS = 10_000
/**
 * Minimum interval between flushes of a partition. A flush of two events costs nearly as much as a
 * flush of ten; the processor time saved is left to the other services of the process. An event
 * that comes alone is not delayed.
 */
export const FLUSH_INTERVAL_MS = 80

/**
 * Accounts of one statement. A new account takes much more memory than its events: one event each
 * of 100,000 accounts took 1,225 MB in one statement and takes 726 MB in parts.
 */
export const MAX_ACCOUNTS = 2_000

/**
 * Bytes of events and changes that are compressed together. zstd takes 2.8 us per KB of 16 KB, 1.5
 * of 64 KB, 1.3 of 256 KB, 1.6 of 1 MB.
 */
export const FRAME_BYTES = 256 * 1024
/** Frames of one flush being compressed; a flush with more waits, so that none pile up. */
export const MAX_COMPRESSING = 4
/** Spare buffers of frames, over all flushes: two flushes that compress as much as they may. */
export const MAX_SPARE_FRAMES = 2 * MAX_COMPRESSING

/** Re-evaluations that may wait in front of an event. At 10,000 a second they delay it by 0.2 s. */
export const MAX_WAITING_REEVALUATIONS = 2_000
