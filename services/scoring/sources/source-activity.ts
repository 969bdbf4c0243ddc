import type { ReceivedEvent } from '../core/events/parse-event.ts'
import type { SourceActivityEntry } from './source-store.ts'

/** When each source was last heard, in memory: nothing is written per event. */
export type SourceActivityTracker = {
  /** Whatever comes live shows that its source reports, also where it happened earlier; what is backfilled shows nothing. */
  readonly recordActivity: (tenantId: string, events: readonly Spoken[], now: number) => void
  /** What is to be written at `now`; counts as written. */
  readonly take: (now: number, everyMs: (tenantId: string, source: string) => number) => readonly SourceActivityEntry[]
  /** What was taken could not be written. */
  readonly putBack: (sourceActivity: readonly SourceActivityEntry[]) => void
}

type Spoken = Pick<ReceivedEvent, 'source' | 'type' | 'receivedAt' | 'properties' | 'backfill'>

/** A heartbeat may name the source that it stands for. */
const sourceOf = ({ source, type, properties }: Spoken): string =>
  type === 'Source Heartbeat' && typeof properties.source === 'string' && properties.source !== ''
    ? properties.source
    : source

/** Names beyond these are not watched: a client that invents a source for each event must not fill memory or tables. */
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
