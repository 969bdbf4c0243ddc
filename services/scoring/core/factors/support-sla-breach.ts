import { pointsAt } from '../curve.ts'
import { ticketsOf } from '../ticket-summary.ts'
import { type FactorDefinition, found, leavesIn, noData, windowStart } from '../view.ts'

/** Share of the tickets first opened in the window that breached their target. No data without such a ticket. */
export const slaBreach: FactorDefinition = {
  name: 'support.sla_breach',
  group: 'support',
  needs: ['windowDays', 'curve'],
  measure: (view, { windowDays, curve }) => {
    const { openedDays, breached } = ticketsOf(view.state)
    const from = windowStart(view, windowDays!)
    let tickets = 0
    let breaches = 0
    for (let index = openedDays.length - 1; index >= 0 && openedDays[index]! >= from; index -= 1) {
      tickets += 1
      if (breached[index]) breaches += 1
    }
    if (tickets === 0) return noData()
    const value = breaches / tickets
    return found(value, pointsAt(curve!, value), leavesIn(view, openedDays, windowDays!))
  },
}
