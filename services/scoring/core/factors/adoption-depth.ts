import { sumOfDays } from '../state/day-counts.ts'
import { activeUsersOf, type FactorDefinition, found, leavesIn, noData, windowStart } from './factor-input.ts'
import { pointsAt } from './score-factor.ts'

/** Users with a core event in the window / users active in it. No data when none was active. */
export const depth: FactorDefinition = {
  name: 'adoption.depth',
  group: 'adoption',
  needs: ['windowDays', 'curve'],
  measure: (view, { windowDays, curve }) => {
    const { coreUsers, activeUsers } = view.state
    const active = activeUsersOf(view, windowDays!)
    if (active === 0) return noData()
    const value = sumOfDays(coreUsers, windowStart(view, windowDays!), view.day) / active
    const changesIn = Math.min(
      leavesIn(view, activeUsers.days, windowDays!),
      leavesIn(view, coreUsers.days, windowDays!),
    )
    return found(value, pointsAt(curve!, value), changesIn)
  },
}
