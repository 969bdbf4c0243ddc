import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { createTimeSlices, type TimeSlices } from '#libs/runtime/time-slices.ts'
import { type ReceivedEvent, readKeptRecord } from '../core/events/parse-event.ts'
import { eventsIn } from './log-frames.ts'
import { LOG_PLACE, type LogPlace } from './log-rows.ts'
import { readEntries } from './read-entries.ts'

export const readKeptEvent = (key: AccountKey, value: Buffer): ReceivedEvent => {
  const read = readKeptRecord({ key: `${key.tenantId}:${key.accountId}`, value, headers: {}, timestampMs: 0 })
  if (read.kind !== 'event') throw new Error('a kept event cannot be read again')
  return read.event
}

type Asked = {
  /** Entries of later versions of the account only. */
  readonly sinceVersion: number
  /** Entries without an event from then to then are left out; others may have events outside. */
  readonly occurredFrom: number
  readonly occurredBy: number
}
export const ALL_EVENTS: Asked = {
  sinceVersion: 0,
  occurredFrom: Number.NEGATIVE_INFINITY,
  occurredBy: Number.POSITIVE_INFINITY,
}

export type LoggedEvent = {
  /** The account's version by the entry that counted the event. */
  readonly version: number
  readonly event: ReceivedEvent
  readonly bytes: number
}
type EventPlace = LogPlace & { readonly at: number }
const PLACES_AT_ONCE = 500

/** Events that the account has counted, in the order of arrival: a few frames are in memory. */
export async function* readEvents(
  sql: Sql,
  key: AccountKey,
  asked: Asked,
  slices: TimeSlices,
): AsyncGenerator<LoggedEvent> {
  for (let after: EventPlace | undefined; ; ) {
    const places = await listEventPlaces(sql, key, asked, after)
    for await (const { place, frame } of readEntries(sql, places, slices)) {
      for (const value of eventsIn(frame, place)) {
        yield { version: place.version, event: readKeptEvent(key, value), bytes: value.length }
        if (slices.isOver()) await slices.next()
      }
    }
    if (places.length < PLACES_AT_ONCE) return
    after = places.at(-1)
  }
}

const listEventPlaces = (
  sql: Sql,
  key: AccountKey,
  { sinceVersion, occurredFrom, occurredBy }: Asked,
  after: EventPlace | undefined,
) =>
  sql.query<EventPlace>(
    `select l.at, ${LOG_PLACE} from scoring.account_log l
     where l.tenant_id = $1 and l.account_id = $2 and l.last_occurred_at is not null
       and ($3::double precision is null or (l.at, l.version) > (to_timestamp($3 / 1000), $4::bigint))
       and l.version > $7 and l.last_occurred_at >= to_timestamp($5::double precision / 1000)
       and (l.first_occurred_at is null or l.first_occurred_at <= to_timestamp($6::double precision / 1000))
     order by l.at, l.version limit ${PLACES_AT_ONCE}`,
    [key.tenantId, key.accountId, after?.at ?? null, after?.version ?? null, occurredFrom, occurredBy, sinceVersion],
  )

/** Every event that the account has counted, in the order of arrival: for folds that need all. */
export const loadCountedEvents = async (sql: Sql, key: AccountKey): Promise<ReceivedEvent[]> => {
  const events: ReceivedEvent[] = []
  for await (const { event } of readEvents(sql, key, ALL_EVENTS, createTimeSlices())) events.push(event)
  return events
}
