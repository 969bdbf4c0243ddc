import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { createTimeSlices } from '#libs/runtime/time-slices.ts'
import { readKeptEvent } from './event-store.ts'
import { eventsIn } from './log-frames.ts'
import { LOG_PLACE, type LogPlace } from './log-rows.ts'
import { readEntries } from './read-entries.ts'
import { createTimelinePage, newestFirst, type TimelineCursor, type TimelineEvent } from './timeline-page.ts'

type Asked = { readonly limit: number; readonly cursor: TimelineCursor | undefined }
type TimelinePlace = LogPlace & { readonly lastOccurredAt: number }

const PLACES_AT_ONCE = 64

/** A page of events, newest first: reads entries until no other can have an event of this page. */
export const loadTimeline = async (
  sql: Sql,
  key: AccountKey,
  { limit, cursor }: Asked,
): Promise<{ readonly events: readonly TimelineEvent[]; readonly hasMore: boolean }> => {
  const slices = createTimeSlices()
  const page = createTimelinePage(limit)
  for (let after: TimelinePlace | undefined; ; ) {
    const places = await listNewest(sql, key, cursor, after)
    for await (const { place, frame } of readEntries(sql, places, slices)) {
      if (page.isFullOfNewer(place.lastOccurredAt)) return page.take()
      for (const value of eventsIn(frame, place)) {
        const { raw: _, ...event } = readKeptEvent(key, value)
        if (cursor === undefined || newestFirst(event, cursor) > 0) page.add(event, value.length)
        if (slices.isOver()) await slices.next()
      }
    }
    if (places.length < PLACES_AT_ONCE) return page.take()
    after = places.at(-1)
  }
}

/** Entries that can have an event behind the cursor, those with the newest event first. */
const listNewest = (sql: Sql, key: AccountKey, cursor: TimelineCursor | undefined, after: TimelinePlace | undefined) =>
  sql.query<TimelinePlace>(
    `select l.last_occurred_at as "lastOccurredAt", ${LOG_PLACE} from scoring.account_log l
     where l.tenant_id = $1 and l.account_id = $2 and l.last_occurred_at is not null
       and ($3::double precision is null or l.first_occurred_at is null
         or l.first_occurred_at <= to_timestamp($3 / 1000))
       and ($4::double precision is null
         or (l.last_occurred_at, l.version) < (to_timestamp($4 / 1000), $5::bigint))
     order by l.last_occurred_at desc, l.version desc limit ${PLACES_AT_ONCE}`,
    [key.tenantId, key.accountId, cursor?.occurredAt ?? null, after?.lastOccurredAt ?? null, after?.version ?? null],
  )
