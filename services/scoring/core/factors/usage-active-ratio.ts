import { activeUsersOf, type FactorDefinition, found, isConnected, leavesIn, noData, seatsOf } from './factor-input.ts'
import { pointsAt } from './score-factor.ts'

/** Distinct active users of the window / seats, or known users where no seats were reported. Data once a user was active. */
export const activeRatio: FactorDefinition = {
  name: 'usage.active_ratio',
  group: 'usage',
  needs: ['windowDays', 'curve'],
  measure: (view, { windowDays, curve }) => {
    const { state } = view
    const seats = seatsOf(state) ?? state.userCount
    if (seats === 0 || (state.userCount === 0 && !isConnected(view, 'usage'))) return noData()
    const value = activeUsersOf(view, windowDays!) / seats
    return found(value, pointsAt(curve!, value), leavesIn(view, state.activeUsers.days, windowDays!))
  },
}
