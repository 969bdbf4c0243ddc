import { sumOfDays } from '../state/day-counts.ts'
import { factor } from './factor.ts'
import { leavesIn, windowStart } from './factor-input.ts'

/** Satisfied share of the answers in the window (score / scale of 0.8 or more). No data below `minimumAnswers`. */
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
