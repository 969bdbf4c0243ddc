import type { Stamp } from '../events/event-order.ts'

export type Ticket = {
  /** Day of its first Opened event; null before one is known. */
  readonly openedDay: number | null
  /** The latest of Opened, Reopened, Resolved. */
  readonly status: (Stamp & { readonly open: boolean }) | null
  /** Day of the latest Opened or Reopened; null without one: then it is not open, whatever its status. */
  readonly openingDay: number | null
  readonly priority: (Stamp & { readonly name: string }) | null
  readonly breached: boolean
}

export type Invoice = {
  readonly paid: Stamp | null
  /** Failed and overdue events later than the latest payment, in order. */
  readonly failures: readonly Stamp[]
}

/** A person's latest answer. */
export type NpsAnswer = Stamp & { readonly day: number; readonly score: number }

/** What an account and its supplier have to do with each other, one by one. */
export type Dealings = { readonly ticket: Ticket; readonly invoice: Invoice; readonly answer: NpsAnswer }
export type DealingKind = keyof Dealings

/**
 * The dealings of one account. There may be any number, so they live outside its state, in pages loaded only when touched; the state
 * keeps the counts a score needs. `get` of one whose page is not loaded throws: the caller loads those of `dealingTouchedBy` first.
 */
export type DealingBook = {
  readonly get: <Kind extends DealingKind>(kind: Kind, id: string) => Dealings[Kind] | undefined
  readonly set: <Kind extends DealingKind>(kind: Kind, id: string, dealing: Dealings[Kind]) => void
}

/** A dealing's name among all of an account: its kind's letter, then its id. */
export const dealingKey = (kind: DealingKind, id: string): string => LETTERS[kind] + id

const LETTERS = { ticket: 't', invoice: 'i', answer: 'a' } as const
