import { factor } from './factor.ts'
import { activeUsersOf, isConnected, leavesIn, seatsOf } from './factor-input.ts'

/** Active users of the window / seats (known users without seats). Data after user activity. */
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
