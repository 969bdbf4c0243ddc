import { factor } from './factor.ts'
import { activeUsersOf, isConnected, leavesIn, seatsOf } from './factor-input.ts'

/** Distinct active users of the window / seats, or known users where no seats were reported. Data once a user was active. */
export const activeRatio = factor({
  needs: ['windowDays', 'curve'],
  value: (view, { windowDays }) => {
    const { state } = view
    const seats = seatsOf(state) ?? state.userCount
    if (seats === 0 || (state.userCount === 0 && !isConnected(view, 'usage'))) return null
    return activeUsersOf(view, windowDays) / seats
  },
  changesIn: (view, { windowDays }) => leavesIn(view, view.state.activeUsers.days, windowDays),
})
