import type { CountedEvent } from '../events/event.ts'
import { compareEventOrders, type EventOrder, eventOrderOf } from '../events/event-order.ts'
import { textOf, textOr } from '../events/properties.ts'
import type { CompiledModel } from '../models/model.ts'
import { changeDay, dropUpToDay } from './day-counts.ts'
import type { InteractionLookup, Ticket } from './interactions.ts'
import type { AccountState } from './state.ts'

const UNKNOWN: Ticket = { openedDay: null, status: null, openingDay: null, priority: null, breached: false }

export const ticketIdOf = ({ properties }: CountedEvent): string => textOr(properties, 'ticketId', '')

export const foldTicket = (
  state: AccountState,
  event: CountedEvent,
  {
    day,
    interactions,
    model,
  }: { readonly day: number; readonly interactions: InteractionLookup; readonly model: CompiledModel },
): void => {
  const ticketId = ticketIdOf(event)
  const known = interactions.get('ticket', ticketId)
  const before = known ?? UNKNOWN
  const after = withEvent(before, event, day)
  interactions.set('ticket', ticketId, after)
  if (known === undefined) state.ticketCount += 1
  if (event.type === OPENED && day > state.ticketDay) {
    state.ticketDay = day
    dropUpToDay(state.ticketsOpened, day - model.keep.tickets)
    dropUpToDay(state.ticketsBreached, day - model.keep.tickets)
  }
  count(state, before, -1, model)
  count(state, after, 1, model)
}

const OPENED = 'Support Ticket Opened'
const REOPENED = 'Support Ticket Reopened'
const RESOLVED = 'Support Ticket Resolved'

const withEvent = (ticket: Ticket, event: CountedEvent, day: number): Ticket => {
  const order = eventOrderOf(event)
  const { type } = event
  const name = textOf(event.properties.priority)
  const opening = type === OPENED || type === REOPENED
  return {
    openedDay: type === OPENED && (ticket.openedDay === null || day < ticket.openedDay) ? day : ticket.openedDay,
    openingDay: opening && (ticket.openingDay === null || day > ticket.openingDay) ? day : ticket.openingDay,
    priority: name !== null && isLatest(ticket.priority, order) ? { ...order, name } : ticket.priority,
    breached: ticket.breached || event.properties.slaBreached === true,
    status:
      (opening || type === RESOLVED) && isLatest(ticket.status, order) ? { ...order, open: opening } : ticket.status,
  }
}

const isLatest = (before: EventOrder | null, order: EventOrder): boolean =>
  before === null || compareEventOrders(before, order) < 0

/** Adds a ticket to the counts, or takes it out. */
const count = (state: AccountState, ticket: Ticket, amount: 1 | -1, model: CompiledModel): void => {
  const { openedDay, openingDay, status, priority, breached } = ticket
  if (openedDay !== null && openedDay > state.ticketDay - model.keep.tickets) {
    changeDay(state.ticketsOpened, openedDay, amount)
    if (breached) changeDay(state.ticketsBreached, openedDay, amount)
  }
  if (status?.open === true && priority !== null && model.urgentPriorities.has(priority.name))
    changeDay(state.urgentOpen, openingDay!, amount)
}
