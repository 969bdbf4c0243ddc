import type { CountedEvent } from './event.ts'
import { foldEvent } from './fold.ts'
import type { CompiledModel } from './model.ts'
import { type AccountState, createState } from './state.ts'
import { createMemoryUserBook } from './user-days.ts'
import type { Zone } from './zone.ts'

/** The account as of an instant, from its events in any order, each given once: those after it are left out, whenever they came. */
export const replay = (
  events: Iterable<CountedEvent>,
  context: { readonly model: CompiledModel; readonly zone: Zone; readonly now?: number },
  at: number,
): { readonly state: AccountState; readonly users: ReturnType<typeof createMemoryUserBook> } => {
  const state = createState()
  const users = createMemoryUserBook()
  const foldContext = { ...context, now: at }
  for (const event of events) if (event.occurredAt <= at) foldEvent(state, users, event, foldContext)
  return { state, users }
}
