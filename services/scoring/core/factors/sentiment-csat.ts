import { sumOfDays } from '../state/day-counts.ts'
import { factor } from './factor.ts'
import { leavesIn, windowStart } from './factor-input.ts'

/** Share of answers at 0.8 of the scale or more. No data below `minimumAnswers`. */
export const csat = factor({
  needs: ['windowDays', 'curve'],
  settings: ['minimumAnswers'],
  value: (view, { windowDays, settings }) => {
    const { csatAnswers, csatSatisfied } = view.state
    const from = windowStart(view, windowDays)
    const answers = sumOfDays(csatAnswers, from, view.day)
    if (answers === 0 || answers < settings.minimumAnswers) return null
    return sumOfDays(csatSatisfied, from, view.day) / answers
  },
  changesIn: (view, { windowDays }) => leavesIn(view, view.state.csatAnswers.days, windowDays),
})
