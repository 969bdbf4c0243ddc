import { factor } from './factor.ts'
import { isConnected, leavesIn, windowStart } from './factor-input.ts'

/** Local days of the window with any activity event. Data once there was one. */
export const activeDays = factor({
  needs: ['windowDays', 'curve'],
  value: (view, { windowDays }) => {
    const { activeDays: days, lastActivityAt } = view.state
    if (lastActivityAt === null && !isConnected(view, 'usage')) return null
    const from = windowStart(view, windowDays)
    let value = 0
    for (let index = days.length - 1; index >= 0 && days[index]! >= from; index -= 1) value += 1
    return value
  },
  changesIn: (view, { windowDays }) => leavesIn(view, view.state.activeDays, windowDays),
})
