import type { EventOrder } from '../events/event-order.ts'

export type Ticket = {
  /** Day of the first Opened event; null before one is known. */
  readonly openedDay: number | null
  /** The latest of Opened, Reopened, Resolved. */
  readonly status: (EventOrder & { readonly open: boolean }) | null
  /** Day of the latest Opened or Reopened; null: not open, whatever its status. */
  readonly openingDay: number | null
  readonly priority: (EventOrder & { readonly name: string }) | null
  readonly breached: boolean
}

export type Invoice = {
  readonly paid: EventOrder | null
  /** Failed and overdue events later than the latest payment, in order. */
  readonly failures: readonly EventOrder[]
}

/** A person's latest answer. */
export type NpsAnswer = EventOrder & { readonly day: number; readonly score: number }

export type Interactions = { readonly ticket: Ticket; readonly invoice: Invoice; readonly answer: NpsAnswer }
export type InteractionKind = keyof Interactions

/**
 * There may be any number of interactions, so they live outside the state, in pages; the state has
 * the counts a score needs. `get` throws while the page of `interactionTouchedBy` is not loaded.
 */
export type InteractionLookup = {
  readonly get: <Kind extends InteractionKind>(kind: Kind, id: string) => Interactions[Kind] | undefined
  readonly set: <Kind extends InteractionKind>(kind: Kind, id: string, interaction: Interactions[Kind]) => void
}

/** Unique within an account: the letter of the kind, then the id. */
export const interactionKey = (kind: InteractionKind, id: string): string => LETTERS[kind] + id

/** For views, rebuilds and tests. */
export const createMemoryInteractions = (): InteractionLookup => {
  const interactions = new Map<string, unknown>()
  return {
    get: (kind, id) => interactions.get(interactionKey(kind, id)) as never,
    set: (kind, id, interaction) => void interactions.set(interactionKey(kind, id), interaction),
  }
}

const LETTERS = { ticket: 't', invoice: 'i', answer: 'a' } as const
