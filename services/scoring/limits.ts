/**
 * The fixed numbers of the flush path, in the order in which an event meets them. Measurements are
 * of November 2026, on two cores. Settings are in `config.ts`, bounds of fetching in `libs/bus`.
 */

/**
 * Shares of the events in memory: one is folded, one written, one comes in. An account costs once
 * per flush: flushes of 50,000 events score 103,000 events/s, flushes of 20,000 events 68,000.
 */
export const FLUSHES_BUFFERED = 3

/** Flushes under way, all partitions: one is folded, one written. A third makes each smaller. */
export const MAX_FLUSHES = 2
/** Flushes under way of one partition: one is folded while the flush before is written. */
export const MAX_FLUSHES_OF_PARTITION = 2

/** Records this old are a backlog: more delay hardly shows, and larger flushes clear it sooner. */
export const BACKLOG_AGE_MS = 2_000
/** The oldest record of a backlog waits for half of its age, at most this long. */
export const MAX_GATHER_MS = 10_000
/**
 * Minimum interval between flushes of a partition: a flush of two events costs nearly as much as a
 * flush of ten. An event that comes alone is not delayed.
 */
export const FLUSH_INTERVAL_MS = 80

/** Accounts of one statement: 100,000 new ones took 1,225 MB in one and take 726 MB in parts. */
export const MAX_ACCOUNTS = 2_000

/** Bytes packed together: zstd takes 2.8 us per KB of 16 KB, 1.5 of 64, 1.3 of 256, 1.6 of 1024. */
export const FRAME_BYTES = 256 * 1024
/** Frames of one flush being compressed; a flush with more waits, so that none pile up. */
export const MAX_COMPRESSING = 4
/** Spare buffers of frames, over all flushes: two flushes that compress as much as they may. */
export const MAX_SPARE_FRAMES = 2 * MAX_COMPRESSING

/** Re-evaluations that may wait in front of an event. At 10,000 a second they delay it by 0.2 s. */
export const MAX_WAITING_REEVALUATIONS = 2_000

/** Reads that fold the life of an account, each with up to 32 MB, and those that wait. */
export const FOLDS = { perTenant: 2, inAll: 4, waitingPerTenant: 32, waitingInAll: 128 }
/** Events that a view as of an instant may rest on: a million take some 20 s. */
export const MAX_EVENTS_OF_VIEW = 1_000_000
/** Reads of a page of events or changes, each with up to 8 MB in most cases. */
export const PAGES = { perTenant: 4, inAll: 8, waitingPerTenant: 64, waitingInAll: 256 }
/** Lists and sums of accounts: with a tenant's most at work, the API has connections left. */
export const LISTS = { perTenant: 2, inAll: 4, waitingPerTenant: 64, waitingInAll: 256 }
/** Previews of models, each of at most 5 s: none waits. */
export const PREVIEWS = { perTenant: 2, inAll: 4, waitingPerTenant: 0, waitingInAll: 0 }

/** Of a model document. The shipped model takes 5 KB; a document of 1 MB is checked for seconds. */
export const MAX_MODEL_BYTES = 128 * 1024
/** Accounts folded anew at once after an upgrade, and bytes of their counters. */
export const FOLDED_ACCOUNTS = 10_000
export const FOLDED_BYTES = 64 * 1024 * 1024
