import { unpackBody } from '#libs/bytes/zstd.ts'
import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { type ReceivedEvent, readKeptRecord } from '../core/events/parse-event.ts'
import { eventsIn } from './log-frames.ts'
import { FRAMED_ENTRY, type FramedEntry } from './log-rows.ts'

const readKept = (key: AccountKey, entry: FramedEntry): ReceivedEvent[] =>
  eventsIn(unpackBody(entry.bytes), entry).map((value) => readKeptEvent(key, value))

export const readKeptEvent = (key: AccountKey, value: Buffer): ReceivedEvent => {
  const read = readKeptRecord({ key: `${key.tenantId}:${key.accountId}`, value, headers: {}, timestampMs: 0 })
  if (read.kind !== 'event') throw new Error('a kept event cannot be read again')
  return read.event
}

/** Every event that the account has counted, in the order of arrival. */
export const loadCountedEvents = async (sql: Sql, key: AccountKey): Promise<ReceivedEvent[]> => {
  const rows = await sql.query<FramedEntry>(
    `select ${FRAMED_ENTRY}
     where l.tenant_id = $1 and l.account_id = $2 and l.last_occurred_at is not null
     order by l.at, l.version`,
    [key.tenantId, key.accountId],
  )
  return rows.flatMap((row) => readKept(key, row))
}

export type TimelineCursor = { readonly occurredAt: number; readonly id: string; readonly source: string }

const newestFirst = (a: TimelineCursor, b: TimelineCursor): number =>
  b.occurredAt - a.occurredAt || compareText(b.id, a.id) || compareText(b.source, a.source)

const compareText = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

const FLUSHES_PER_READ = 50

/** A page of events, newest first: reads flushes until no other can have an event of this page. */
export const loadTimeline = async (
  sql: Sql,
  key: AccountKey,
  page: { readonly limit: number; readonly cursor: TimelineCursor | undefined },
): Promise<ReceivedEvent[]> => {
  const found: ReceivedEvent[] = []
  for (let skip = 0; ; skip += FLUSHES_PER_READ) {
    const rows = await sql.query<FramedEntry & { lastOccurredAt: number }>(
      `select l.last_occurred_at as "lastOccurredAt", ${FRAMED_ENTRY}
       where l.tenant_id = $1 and l.account_id = $2 and l.last_occurred_at is not null
       order by l.last_occurred_at desc, l.version desc offset $3 limit $4`,
      [key.tenantId, key.accountId, skip, FLUSHES_PER_READ],
    )
    for (const row of rows) {
      const last = found.length >= page.limit ? found[page.limit - 1] : undefined
      if (last !== undefined && row.lastOccurredAt < last.occurredAt) return found.slice(0, page.limit)
      const kept = readKept(key, row)
      const after = page.cursor === undefined ? kept : kept.filter((event) => newestFirst(event, page.cursor!) > 0)
      if (after.length === 0) continue
      found.push(...after)
      found.sort(newestFirst)
    }
    if (rows.length < FLUSHES_PER_READ) return found.slice(0, page.limit)
  }
}
