import type { ReceivedEvent } from '../core/events/parse-event.ts'
import type { SourceActivityEntry } from './source-store.ts'

/** When each source last sent an event, in memory: nothing is written per event. */
export type SourceActivityTracker = {
  /** A live event counts at its receipt, whenever it occurred; a backfilled one does not. */
  readonly recordActivity: (tenantId: string, events: readonly SourceEvent[], now: number) => void
  /** Answers the entries to write at `now` and marks them as written. */
  readonly take: (now: number, everyMs: (tenantId: string, source: string) => number) => readonly SourceActivityEntry[]
  /** Undoes `take` for entries that could not be written. */
  readonly putBack: (sourceActivity: readonly SourceActivityEntry[]) => void
}

type SourceEvent = Pick<ReceivedEvent, 'source' | 'type' | 'receivedAt' | 'properties' | 'backfill'>

/** A heartbeat may name another source than its own. */
const sourceOf = ({ source, type, properties }: SourceEvent): string =>
  type === 'Source Heartbeat' && typeof properties.source === 'string' && properties.source !== ''
    ? properties.source
    : source

/** Further sources are ignored: a client with a new source per event must not fill the memory. */
const MAX_SOURCES = 1_000

type Entry = { heardAt: number; writtenActivityAt: number; writtenAt: number }

export const createSourceActivity = (): SourceActivityTracker => {
  const tenants = new Map<string, Map<string, Entry>>()
  return {
    recordActivity: (tenantId, events, now) => {
      let name: string | undefined
      let entry: Entry | undefined
      for (const event of events) {
        if (event.backfill) continue
        const source = sourceOf(event)
        if (source !== name) {
          let sources = tenants.get(tenantId)
          if (sources === undefined) {
            sources = new Map()
            tenants.set(tenantId, sources)
          }
          name = source
          entry = sources.get(source)
          if (entry === undefined && sources.size < MAX_SOURCES) {
            entry = { heardAt: 0, writtenActivityAt: 0, writtenAt: Number.NEGATIVE_INFINITY }
            sources.set(source, entry)
          }
        }
        if (entry !== undefined && event.receivedAt > entry.heardAt) entry.heardAt = Math.min(event.receivedAt, now)
      }
    },
    take: (now, everyMs) => {
      const taken: SourceActivityEntry[] = []
      for (const [tenantId, sources] of tenants) {
        for (const [source, entry] of sources) {
          if (entry.heardAt <= entry.writtenActivityAt || now - entry.writtenAt < everyMs(tenantId, source)) continue
          entry.writtenActivityAt = entry.heardAt
          entry.writtenAt = now
          taken.push({ tenantId, source, heardAt: entry.heardAt })
        }
      }
      return taken
    },
    putBack: (sourceActivity) => {
      for (const { tenantId, source } of sourceActivity) {
        const entry = tenants.get(tenantId)!.get(source)!
        entry.writtenActivityAt = 0
        entry.writtenAt = Number.NEGATIVE_INFINITY
      }
    },
  }
}
