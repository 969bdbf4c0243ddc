import type { Zone } from '#libs/time/time-zone.ts'
import type { CountedEvent } from '../events/event.ts'
import type { CompiledModel } from '../models/model.ts'
import { type Counters, foldEvent } from '../state/fold.ts'
import { createMemoryUserActivity } from '../state/fold-activity.ts'
import { createMemoryInteractions } from '../state/interactions.ts'
import { createState } from '../state/state.ts'

/** Counters of no events, with their users and interactions in memory. */
export const createCounters = (): Counters => ({
  state: createState(),
  users: createMemoryUserActivity(),
  interactions: createMemoryInteractions(),
})

/** The account as of an instant, from distinct events in any order; later events do not count. */
export const replay = (
  events: Iterable<CountedEvent>,
  context: { readonly model: CompiledModel; readonly zone: Zone; readonly now?: number },
  at: number,
): Counters => {
  const counters = createCounters()
  const foldContext = { ...context, now: at }
  for (const event of events) if (event.occurredAt <= at) foldEvent(counters, event, foldContext)
  return counters
}
