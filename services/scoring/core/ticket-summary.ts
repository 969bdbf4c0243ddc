import type { AccountState } from './state.ts'

/** Tickets as support factors read them: kept until a ticket event changes it, so that closed tickets cost a score nothing. */
export type TicketSummary = {
  /** By the day of the first Opened, ascending. */
  readonly openedDays: readonly number[]
  readonly breached: readonly boolean[]
  readonly open: readonly { readonly priority: string | null; readonly openingDay: number }[]
}

export const ticketsOf = (state: AccountState): TicketSummary => {
  const known = state.memo.tickets as TicketSummary | undefined
  if (known !== undefined) return known
  const all = [...state.tickets.values()]
  const opened = all.filter(({ openedDay }) => openedDay !== null).sort((a, b) => a.openedDay! - b.openedDay!)
  const summary: TicketSummary = {
    openedDays: opened.map(({ openedDay }) => openedDay!),
    breached: opened.map(({ breached }) => breached),
    open: all
      .filter(({ status }) => status?.open === true)
      .map(({ priority, openingDay }) => ({ priority: priority?.name ?? null, openingDay: openingDay! })),
  }
  state.memo.tickets = summary
  return summary
}
