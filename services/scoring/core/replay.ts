import { createEmptyDealings } from './dealing-pages.ts'
import type { CountedEvent } from './event.ts'
import { type Counters, foldEvent } from './fold.ts'
import type { CompiledModel } from './model.ts'
import { createState } from './state.ts'
import { createMemoryUserBook } from './user-days.ts'
import type { Zone } from './zone.ts'

/** The account as of an instant, from its events in any order, each given once: those after it are left out, whenever they came. */
export const replay = (
  events: Iterable<CountedEvent>,
  context: { readonly model: CompiledModel; readonly zone: Zone; readonly now?: number },
  at: number,
): Counters => {
  const counters = { state: createState(), users: createMemoryUserBook(), dealings: createEmptyDealings() }
  const foldContext = { ...context, now: at }
  for (const event of events) if (event.occurredAt <= at) foldEvent(counters, event, foldContext)
  return counters
}
