import {
  findUnboundedNumber,
  MAX_AHEAD_MS,
  MAX_EVENT_BYTES,
  MAX_EVENT_ID_LENGTH,
  MAX_LIVE_AGE_MS,
  MAX_NAME_LENGTH,
  UNBOUNDED_NUMBER,
} from '#libs/contracts/event-limits.ts'
import { isOfNewerRelease } from '#libs/contracts/record-version.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import { parseInstant } from '#libs/time/instant.ts'
import type { CountedEvent } from './event.ts'
import { isCleanText, problemOfShape } from './json-shape.ts'

/** JSON to keep of an event: a text, or its record, which saves a copy in memory. */
export type RawEvent = string | { readonly value: Buffer }

/** An event with the JSON to keep. Nothing is sent because of a backfilled event. */
export type ReceivedEvent = CountedEvent & { readonly backfill: boolean; readonly raw: RawEvent }

export const rawText = (raw: RawEvent): string => (typeof raw === 'string' ? raw : raw.value.toString())

export type ReadRecord =
  | { readonly kind: 'event'; readonly tenantId: string; readonly accountId: string; readonly event: ReceivedEvent }
  | { readonly kind: 'evaluate'; readonly tenantId: string; readonly accountId: string }
  /** A command that no process of this installation made. The timer repeats its own commands. */
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'unreadable'; readonly reason: string }

type Instant = { readonly at: number; readonly text: string }

export type ReadContext = {
  /** Absent: no event is too old. */
  readonly retentionDays?: number | undefined
  /** When a process of this installation made the record, if its headers prove it. */
  readonly verify: (
    kind: 'event' | 'evaluate',
    tenantId: string,
    headers: Readonly<Record<string, string>>,
  ) => Instant | undefined
}

type Delivered = {
  readonly key: string
  readonly value: Buffer
  readonly text?: string
  readonly headers: Readonly<Record<string, string>>
  readonly timestampMs: number
}

/**
 * Reads a record of `usage.events`. Product backends may write the topic themselves, so whatever
 * the HTTP door checks is checked again: by hand, since this runs for every event. What the door
 * accepts can be read. An absent tenant comes from the key, `source` is "kafka". `receivedAt` is
 * the instant that ingest signed, else the timestamp of the broker: the record's own word for it
 * is not believed. `key` is the record's, decoded once for many records.
 */
export const readRecord = (record: Delivered, context: ReadContext, key = record.key): ReadRecord => {
  const text = record.text ?? record.value.toString()
  // No text has more units than bytes, nor more than three bytes a unit.
  if (text.length > MAX_EVENT_BYTES / 3 && record.value.length > MAX_EVENT_BYTES && bytesAsSent(text) > MAX_EVENT_BYTES)
    return unreadable(`larger than ${MAX_EVENT_BYTES} bytes`)
  const read = readText(record, key, text, context)
  const { retentionDays } = context
  if (
    retentionDays !== undefined &&
    read.kind === 'event' &&
    read.event.occurredAt < read.event.receivedAt - retentionDays * DAY_MS
  )
    return unreadable('occurredAt: older than the retention')
  return read
}

/** Leaves out tenant, source and instants: the HTTP door adds them or writes them anew. */
const bytesAsSent = (text: string): number => {
  try {
    const { tenantId, source, occurredAt, receivedAt, ...event } = JSON.parse(text)
    return Buffer.byteLength(JSON.stringify(event))
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/**
 * As `readRecord`, without limits of size, age and mode: events counted once stay readable. What
 * was kept holds the `receivedAt` that was believed then.
 */
export const readKeptRecord = (record: Delivered): ReadRecord =>
  readText(record, record.key, record.text ?? record.value.toString())

/** Without `context`, a record that was kept. */
const readText = (record: Delivered, key: string, text: string, context?: ReadContext): ReadRecord => {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return unreadable('not JSON')
  }
  if (!isObject(body)) return unreadable('not a JSON object')
  const kind = record.headers.kind ?? 'event'
  if (kind !== 'event' && kind !== 'evaluate') return unreadable('header kind is neither event nor evaluate')
  const accountId = body.accountId
  if (!isName(accountId, MAX_NAME_LENGTH)) return unreadable('accountId: 1 to 256 characters wanted')
  const separator = key.length - accountId.length - 1
  if (separator < 1 || key[separator] !== ':' || !key.endsWith(accountId))
    return unreadable('the key is not tenantId:accountId')
  const tenantId = key.slice(0, separator)
  if (body.tenantId !== undefined && body.tenantId !== tenantId) return unreadable('tenantId differs from the key')
  const signed = context?.verify(kind, tenantId, record.headers)
  if (kind === 'evaluate') return signed === undefined ? { kind: 'unsigned' } : { kind, tenantId, accountId }
  const { mode } = body
  const isKnownMode = mode === undefined || mode === 'live' || mode === 'backfill'
  if (!isKnownMode && context !== undefined && !isOfNewerRelease(record.headers.version))
    return unreadable('mode is neither live nor backfill')
  const received = context === undefined ? keptInstant(body) : (signed ?? brokerInstant(record))
  if (received === undefined) return unreadable('receivedAt: an RFC 3339 instant wanted')
  return readEvent(record, { text, body, tenantId, accountId, received })
}

const brokerInstant = ({ timestampMs }: Delivered): Instant => ({
  at: timestampMs,
  text: new Date(timestampMs).toISOString(),
})

const keptInstant = ({ receivedAt }: Record<string, unknown>): Instant | undefined => {
  if (typeof receivedAt !== 'string') return undefined
  const at = parseInstant(receivedAt)
  return Number.isNaN(at) ? undefined : { at, text: receivedAt }
}

type EventText = {
  readonly text: string
  readonly body: Record<string, unknown>
  readonly tenantId: string
  readonly accountId: string
  readonly received: Instant
}

const readEvent = (record: Delivered, { text, body, tenantId, accountId, received }: EventText): ReadRecord => {
  const { id, type, userId, mode, source = 'kafka', properties = {} } = body
  if (!isName(id, MAX_EVENT_ID_LENGTH)) return unreadable('id: 1 to 128 characters wanted')
  if (!isName(type, MAX_NAME_LENGTH)) return unreadable('type: 1 to 256 characters wanted')
  if (!isName(source, MAX_NAME_LENGTH)) return unreadable('source: 1 to 256 characters wanted')
  if (userId !== undefined && userId !== null && !isName(userId, MAX_NAME_LENGTH))
    return unreadable('userId: 1 to 256 characters wanted')
  if (!isObject(properties)) return unreadable('properties: an object wanted')
  if (text.includes('\\u') && !isCleanText(text)) return unreadable('holds NUL or half a surrogate pair')
  if (text.includes('\ufffd') && !record.value.equals(Buffer.from(text))) return unreadable('not UTF-8')
  const problem = problemOfShape(properties, 2)
  if (problem !== undefined) return unreadable(`properties: ${problem}`)
  const unbounded = findUnboundedNumber(type, properties)
  if (unbounded !== undefined) return unreadable(`properties.${unbounded}: ${UNBOUNDED_NUMBER}`)
  const occurredAt = typeof body.occurredAt === 'string' ? parseInstant(body.occurredAt) : Number.NaN
  if (Number.isNaN(occurredAt)) return unreadable('occurredAt: an RFC 3339 instant wanted')
  const receivedAt = received.at
  // A mode of a newer release is read by the age: what is too old to be live is of the past.
  const isNotLive = mode !== undefined && mode !== 'live'
  const backfill = mode === 'backfill' || (isNotLive && occurredAt < receivedAt - MAX_LIVE_AGE_MS)
  const problemOfTime = problemOfInstants(occurredAt, receivedAt, backfill)
  if (problemOfTime !== undefined) return unreadable(`occurredAt: ${problemOfTime}`)
  const isComplete = body.receivedAt === received.text && body.source !== undefined && body.tenantId !== undefined
  const raw = isComplete ? record : JSON.stringify({ ...body, tenantId, source, receivedAt: received.text })
  const event = { id, source, type, userId: userId ?? null, occurredAt, receivedAt, properties, backfill, raw }
  return { kind: 'event', tenantId, accountId, event }
}

/** The same limits as at the HTTP door. */
const problemOfInstants = (occurredAt: number, receivedAt: number, backfill: boolean): string | undefined => {
  if (occurredAt > receivedAt + MAX_AHEAD_MS) return 'more than 5 minutes in the future'
  if (!backfill && occurredAt < receivedAt - MAX_LIVE_AGE_MS) return 'older than 32 days needs mode backfill'
  return undefined
}

const unreadable = (reason: string): ReadRecord => ({ kind: 'unreadable', reason })

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Characters are code points, as at the HTTP door. */
const isName = (value: unknown, max: number): value is string =>
  typeof value === 'string' && value.length > 0 && (value.length <= max || [...value].length <= max)
