import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import type { TimeSlices } from '#libs/runtime/time-slices.ts'
import type { ReceivedEvent } from '../core/events/parse-event.ts'
import { ALL_EVENTS, readEvents } from './event-store.ts'

type KeptEvent = Omit<ReceivedEvent, 'raw'>

/** Memory for events that wait for earlier ones: about 32,000 events of 300 bytes. */
const MAX_HELD_BYTES = 32 * 1024 * 1024
/** What an event takes in memory, by the bytes of its JSON. */
const heldBytesOf = (bytes: number): number => 400 + 2 * bytes

/** The earliest of the events given to it, as many as fit. */
type EarliestEvents = {
  readonly add: (event: KeptEvent, bytes: number) => void
  /** In order; `before`: the instant from which on events did not fit; null: all fit. */
  readonly take: () => { readonly events: readonly KeptEvent[]; readonly before: number | null }
}

export const createEarliestEvents = (maxBytes = MAX_HELD_BYTES): EarliestEvents => {
  let held: { readonly event: KeptEvent; readonly bytes: number }[] = []
  let heldBytes = 0
  let before: number | null = null
  const sort = () => held.sort((a, b) => a.event.occurredAt - b.event.occurredAt)
  const halve = (): void => {
    sort()
    const first = held[0]!.event.occurredAt
    // Events of one instant stay together, however many they are.
    before = Math.max(held[held.length >> 1]!.event.occurredAt, first + 1)
    held = held.filter(({ event }) => event.occurredAt < before!)
    heldBytes = held.reduce((sum, { bytes }) => sum + bytes, 0)
  }
  return {
    add: (event, bytes) => {
      if (before !== null && event.occurredAt >= before) return
      const size = heldBytesOf(bytes)
      held.push({ event, bytes: size })
      heldBytes += size
      if (heldBytes > maxBytes && held.length > 1) halve()
    },
    take: () => ({ events: sort().map(({ event }) => event), before }),
  }
}

/**
 * The account's events that happened before an instant, in the order in which they happened. Events
 * that do not fit into memory are read again, once the ones before them are done with.
 */
export async function* readEventsInOrder(
  sql: Sql,
  key: AccountKey,
  end: number,
  slices: TimeSlices,
): AsyncGenerator<KeptEvent> {
  for (let from: number | null = Number.NEGATIVE_INFINITY; from !== null; ) {
    const earliest = createEarliestEvents()
    for await (const { event, bytes } of readEvents(
      sql,
      key,
      { ...ALL_EVENTS, occurredFrom: from, occurredBy: end - 1 },
      slices,
    )) {
      const { raw: _, ...kept } = event
      if (kept.occurredAt >= from && kept.occurredAt < end) earliest.add(kept, bytes)
    }
    const { events, before } = earliest.take()
    yield* events
    from = before
  }
}
