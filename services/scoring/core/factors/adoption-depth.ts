import { sumOfDays } from '../state/day-counts.ts'
import { factor } from './factor.ts'
import { activeUsersOf, leavesIn, windowStart } from './factor-input.ts'

/** Users with a core event in the window / users active in it. No data when none was active. */
export const depth = factor({
  needs: ['windowDays', 'curve'],
  value: (view, { windowDays }) => {
    const active = activeUsersOf(view, windowDays)
    return active === 0 ? null : sumOfDays(view.state.coreUsers, windowStart(view, windowDays), view.day) / active
  },
  changesIn: (view, { windowDays }) =>
    Math.min(
      leavesIn(view, view.state.activeUsers.days, windowDays),
      leavesIn(view, view.state.coreUsers.days, windowDays),
    ),
})
