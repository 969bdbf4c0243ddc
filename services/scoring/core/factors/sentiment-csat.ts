import { sumOfDays } from '../state/day-counts.ts'
import { type FactorDefinition, found, leavesIn, noData, windowStart } from './factor-input.ts'
import { pointsAt } from './score-factor.ts'

/** Satisfied share of the answers in the window (score / scale of 0.8 or more). No data below `minimumAnswers`. */
export const csat: FactorDefinition = {
  name: 'sentiment.csat',
  group: 'sentiment',
  needs: ['windowDays', 'curve'],
  settings: ['minimumAnswers'],
  measure: (view, { windowDays, curve, settings }) => {
    const { csatAnswers, csatSatisfied } = view.state
    const from = windowStart(view, windowDays!)
    const answers = sumOfDays(csatAnswers, from, view.day)
    if (answers === 0 || answers < settings!.minimumAnswers!) return noData()
    const value = sumOfDays(csatSatisfied, from, view.day) / answers
    return found(value, pointsAt(curve!, value), leavesIn(view, csatAnswers.days, windowDays!))
  },
}
