import { sumOfDays } from '../state/day-counts.ts'
import { factor } from './factor.ts'
import { leavesIn, windowStart } from './factor-input.ts'

/** Share of the tickets opened in the window that breached their target. */
export const slaBreach = factor({
  needs: ['windowDays', 'curve'],
  value: (view, { windowDays }) => {
    const from = windowStart(view, windowDays)
    const tickets = sumOfDays(view.state.ticketsOpened, from, view.day)
    return tickets === 0 ? null : sumOfDays(view.state.ticketsBreached, from, view.day) / tickets
  },
  changesIn: (view, { windowDays }) => leavesIn(view, view.state.ticketsOpened.days, windowDays),
})
