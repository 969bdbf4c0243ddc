import type { EventOrder } from '../events/event-order.ts'

export type Ticket = {
  /** Day of its first Opened event; null before one is known. */
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

/** What an account and its supplier have to do with each other, one by one. */
export type Interactions = { readonly ticket: Ticket; readonly invoice: Invoice; readonly answer: NpsAnswer }
export type InteractionKind = keyof Interactions

/**
 * The interactions of one account. There may be any number, so they live outside its state in
 * pages; the state keeps the counts a score needs. `get` throws for a page that is not loaded: the
 * caller loads those of `interactionTouchedBy` first.
 */
export type InteractionLookup = {
  readonly get: <Kind extends InteractionKind>(kind: Kind, id: string) => Interactions[Kind] | undefined
  readonly set: <Kind extends InteractionKind>(kind: Kind, id: string, interaction: Interactions[Kind]) => void
}

/** An interaction's name within its account: the letter of its kind, then its id. */
export const interactionKey = (kind: InteractionKind, id: string): string => LETTERS[kind] + id

/** All in memory: for views, rebuilds and tests. */
export const createMemoryInteractions = (): InteractionLookup => {
  const interactions = new Map<string, unknown>()
  return {
    get: (kind, id) => interactions.get(interactionKey(kind, id)) as never,
    set: (kind, id, interaction) => void interactions.set(interactionKey(kind, id), interaction),
  }
}

const LETTERS = { ticket: 't', invoice: 'i', answer: 'a' } as const
