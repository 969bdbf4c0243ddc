import type { ReceivedEvent } from '../core/events/parse-event.ts'

export type TimelineCursor = { readonly occurredAt: number; readonly id: string; readonly source: string }
export type TimelineEvent = Omit<ReceivedEvent, 'raw'>

/** Most bytes of the events of a page: it ends early where they are long. */
export const MAX_PAGE_BYTES = 2 * 1024 * 1024
/** Events held, as pages, before the oldest are let go. */
const PAGES_HELD = 4

export const newestFirst = (a: TimelineCursor, b: TimelineCursor): number =>
  b.occurredAt - a.occurredAt || compareText(b.id, a.id) || compareText(b.source, a.source)

const compareText = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** The newest of the events given to it, as many as a page shows, and the one behind them. */
export type TimelinePage = {
  readonly add: (event: TimelineEvent, bytes: number) => void
  /** Whether the page is full of events newer than this instant. */
  readonly isFullOfNewer: (occurredAt: number) => boolean
  /** Newest first. */
  readonly take: () => { readonly events: readonly TimelineEvent[]; readonly hasMore: boolean }
}

export const createTimelinePage = (limit: number, maxBytes = MAX_PAGE_BYTES): TimelinePage => {
  const held: { readonly event: TimelineEvent; readonly bytes: number }[] = []
  let heldBytes = 0
  let isFull = false

  const trim = (): void => {
    held.sort((a, b) => newestFirst(a.event, b.event))
    let shown = 0
    let bytes = 0
    while (shown < held.length && shown < limit && (shown === 0 || bytes + held[shown]!.bytes <= maxBytes))
      bytes += held[shown++]!.bytes
    isFull = shown < held.length
    if (isFull) held.length = shown + 1
    heldBytes = bytes
  }

  return {
    add: (event, bytes) => {
      held.push({ event, bytes })
      heldBytes += bytes
      if (held.length > PAGES_HELD * limit + 1 || heldBytes > PAGES_HELD * maxBytes) trim()
    },
    isFullOfNewer: (occurredAt) => {
      trim()
      return isFull && held.at(-1)!.event.occurredAt > occurredAt
    },
    take: () => {
      trim()
      const shown = isFull ? held.slice(0, -1) : held
      return { events: shown.map(({ event }) => event), hasMore: isFull }
    },
  }
}
