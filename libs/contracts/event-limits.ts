import { DAY_MS, MINUTE_MS } from '../runtime/durations.ts'

/** The HTTP door and the reader of the topic refuse the same events by these limits. */
export const MAX_EVENT_BYTES = 64 * 1024
export const MAX_EVENT_DEPTH = 16
/** Keys of one object within an event. */
export const MAX_EVENT_KEYS = 200
/** Characters of a source, type, account id or user id. */
export const MAX_NAME_LENGTH = 256
export const MAX_EVENT_ID_LENGTH = 128
/** Clients' clocks run ahead: an event of a later instant is refused. */
export const MAX_AHEAD_MS = 5 * MINUTE_MS
/** An older event must be sent with `mode: backfill`. */
export const MAX_LIVE_AGE_DAYS = 32
export const MAX_LIVE_AGE_MS = MAX_LIVE_AGE_DAYS * DAY_MS
