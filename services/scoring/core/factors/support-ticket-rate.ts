import { pointsAt } from '../curve.ts'
import { ticketsOf } from '../ticket-summary.ts'
import {
  activeUsersOf,
  type FactorDefinition,
  found,
  isConnected,
  leavesIn,
  noData,
  type View,
  windowStart,
} from '../view.ts'

/** Users per whom tickets are counted. */
const PER_USERS = 10

/** Tickets first opened in the window per 10 active users of the window (at least 1). Data once there was any support event. */
export const ticketRate: FactorDefinition = {
  name: 'support.ticket_rate',
  group: 'support',
  needs: ['windowDays', 'curve'],
  measure: (view, { windowDays, curve }) => {
    if (!hasSupport(view)) return noData()
    const { openedDays } = ticketsOf(view.state)
    const from = windowStart(view, windowDays!)
    let tickets = 0
    for (let index = openedDays.length - 1; index >= 0 && openedDays[index]! >= from; index -= 1) tickets += 1
    const value = (PER_USERS * tickets) / Math.max(1, activeUsersOf(view, windowDays!))
    const changesIn = Math.min(
      leavesIn(view, openedDays, windowDays!),
      tickets > 0 ? leavesIn(view, view.state.activeUsers.days, windowDays!) : Number.POSITIVE_INFINITY,
    )
    return found(value, pointsAt(curve!, value), changesIn)
  },
}

export const hasSupport = (view: View): boolean => view.state.tickets.size > 0 || isConnected(view, 'support')
