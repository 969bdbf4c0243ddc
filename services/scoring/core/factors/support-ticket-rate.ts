import type { AccountView } from '../journey/account-view.ts'
import { sumOfDays } from '../state/day-counts.ts'
import {
  activeUsersOf,
  type FactorDefinition,
  found,
  isConnected,
  leavesIn,
  noData,
  windowStart,
} from './factor-input.ts'
import { pointsAt } from './score-factor.ts'

/** Users per whom tickets are counted. */
const PER_USERS = 10

/** Tickets first opened in the window per 10 active users of the window (at least 1). Data once there was any support event. */
export const ticketRate: FactorDefinition = {
  name: 'support.ticket_rate',
  group: 'support',
  needs: ['windowDays', 'curve'],
  measure: (view, { windowDays, curve }) => {
    if (!hasSupport(view)) return noData()
    const { ticketsOpened, activeUsers } = view.state
    const tickets = sumOfDays(ticketsOpened, windowStart(view, windowDays!), view.day)
    const value = (PER_USERS * tickets) / Math.max(1, activeUsersOf(view, windowDays!))
    const changesIn = Math.min(
      leavesIn(view, ticketsOpened.days, windowDays!),
      tickets > 0 ? leavesIn(view, activeUsers.days, windowDays!) : Number.POSITIVE_INFINITY,
    )
    return found(value, pointsAt(curve!, value), changesIn)
  },
}

export const hasSupport = (view: AccountView): boolean => view.state.ticketCount > 0 || isConnected(view, 'support')
