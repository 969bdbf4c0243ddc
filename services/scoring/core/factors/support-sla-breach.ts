import { sumOfDays } from '../state/day-counts.ts'
import { type FactorDefinition, found, leavesIn, noData, windowStart } from './factor-input.ts'
import { pointsAt } from './score-factor.ts'

/** Share of the tickets first opened in the window that breached their target. No data without such a ticket. */
export const slaBreach: FactorDefinition = {
  name: 'support.sla_breach',
  group: 'support',
  needs: ['windowDays', 'curve'],
  measure: (view, { windowDays, curve }) => {
    const { ticketsOpened, ticketsBreached } = view.state
    const from = windowStart(view, windowDays!)
    const tickets = sumOfDays(ticketsOpened, from, view.day)
    if (tickets === 0) return noData()
    const value = sumOfDays(ticketsBreached, from, view.day) / tickets
    return found(value, pointsAt(curve!, value), leavesIn(view, ticketsOpened.days, windowDays!))
  },
}
