import type { AccountView } from '../journey/account-view.ts'
import { sumOfDays } from '../state/day-counts.ts'
import { factor, NEVER } from './factor.ts'
import { activeUsersOf, isConnected, leavesIn, windowStart } from './factor-input.ts'

const PER_USERS = 10

/** Tickets opened in the window per 10 active users (at least 1). Data after a support event. */
export const ticketRate = factor({
  needs: ['windowDays', 'curve'],
  value: (view, { windowDays }) => {
    if (!hasSupport(view)) return null
    const tickets = sumOfDays(view.state.ticketsOpened, windowStart(view, windowDays), view.day)
    return (PER_USERS * tickets) / Math.max(1, activeUsersOf(view, windowDays))
  },
  changesIn: (view, { windowDays }, value) =>
    Math.min(
      leavesIn(view, view.state.ticketsOpened.days, windowDays),
      value > 0 ? leavesIn(view, view.state.activeUsers.days, windowDays) : NEVER,
    ),
})

export const hasSupport = (view: AccountView): boolean => view.state.ticketCount > 0 || isConnected(view, 'support')
