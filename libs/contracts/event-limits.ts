import { DAY_MS, MINUTE_MS } from '../runtime/durations.ts'
import { SUBSCRIPTION_KINDS, SUBSCRIPTION_PREFIX } from './subscription-kinds.ts'

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

/** Money, seats and limits are computed with: a number beyond is refused, and reads as absent. */
export const MAX_NUMBER = 1e15
/** Fewer seats, or a smaller limit, read as absent: shares of them would overflow. */
export const SMALLEST_POSITIVE = 1e-6

/** The properties of each type that are computed with. */
const COMPUTED: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ...SUBSCRIPTION_KINDS.map((kind) => [SUBSCRIPTION_PREFIX + kind, ['mrr', 'termMonths']] as const),
  ...['identify', 'group'].map((type) => [type, ['mrr', 'seats', 'termMonths']] as const),
  ...['Plan Limit Approached', 'Seat Limit Approached'].map((type) => [type, ['used', 'limit']] as const),
  ...['Invoice Paid', 'Payment Failed', 'Invoice Payment Failed', 'Invoice Overdue', 'Cost Recorded'].map(
    (type) => [type, ['amount']] as const,
  ),
])

/** Name of the first property whose number is out of range; undefined: none is. */
export const findUnboundedNumber = (type: string, properties: Readonly<Record<string, unknown>>): string | undefined =>
  COMPUTED.get(type)?.find((name) => {
    const value = properties[name]
    return typeof value === 'number' && !(Math.abs(value) <= MAX_NUMBER)
  })

export const UNBOUNDED_NUMBER = 'must be a number from -1e15 to 1e15'
