import { type FactorDefinition, found, isConnected, leavesIn, noData, windowStart } from './factor-input.ts'
import { pointsAt } from './score-factor.ts'

/** Local days of the window with any activity event. Data once there was one. */
export const activeDays: FactorDefinition = {
  name: 'usage.active_days',
  group: 'usage',
  needs: ['windowDays', 'curve'],
  measure: (view, { windowDays, curve }) => {
    const { activeDays: days, lastActivityAt } = view.state
    if (lastActivityAt === null && !isConnected(view, 'usage')) return noData()
    const from = windowStart(view, windowDays!)
    let value = 0
    for (let index = days.length - 1; index >= 0 && days[index]! >= from; index -= 1) value += 1
    return found(value, pointsAt(curve!, value), leavesIn(view, days, windowDays!))
  },
}
