import type { CountedEvent } from './event.ts'
import { textOf, textOr } from './properties.ts'
import { compareStamps, type Stamp, stampOf } from './stamp.ts'
import { type AccountState, own, type Ticket } from './state.ts'

export const foldTicket = (state: AccountState, event: CountedEvent, day: number): void => {
  state.memo.tickets = undefined
  const ticketId = textOr(event.properties, 'ticketId', '')
  let ticket = state.tickets.get(ticketId)
  if (ticket === undefined) {
    ticket = { openedDay: null, status: null, openingDay: null, priority: null, breached: false }
    own(state, 'tickets').set(ticketId, ticket)
  }
  const stamp = stampOf(event)
  const name = textOf(event.properties.priority)
  if (name !== null && isLatest(ticket.priority, stamp)) ticket.priority = { ...stamp, name }
  if (event.properties.slaBreached === true) ticket.breached = true
  foldStatus(ticket, event.type, stamp, day)
}

const foldStatus = (ticket: Ticket, type: string, stamp: Stamp, day: number): void => {
  const opened = type === 'Support Ticket Opened'
  const opening = opened || type === 'Support Ticket Reopened'
  if (opened && (ticket.openedDay === null || day < ticket.openedDay)) ticket.openedDay = day
  if (opening && (ticket.openingDay === null || day > ticket.openingDay)) ticket.openingDay = day
  if (!opening && type !== 'Support Ticket Resolved') return
  if (isLatest(ticket.status, stamp)) ticket.status = { ...stamp, open: opening }
}

const isLatest = (before: Stamp | null, stamp: Stamp): boolean => before === null || compareStamps(before, stamp) < 0
