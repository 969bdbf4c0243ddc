import { sumOfDays } from '../state/day-counts.ts'
import { MICRO } from '../state/fold-sentiment.ts'
import { type FactorDefinition, found, leavesIn, noData, windowStart } from './factor-input.ts'
import { pointsAt } from './score-factor.ts'

/**
 * Mean of each person's latest answer, of those within the window. Freshness is 1 up to `freshDays` since the newest answer, then
 * falls linearly to 0 at the end of the window.
 */
export const nps: FactorDefinition = {
  name: 'sentiment.nps',
  group: 'sentiment',
  needs: ['windowDays', 'curve'],
  settings: ['freshDays'],
  measure: (view, { windowDays, curve, settings }) => {
    const { npsAnswers, npsScores } = view.state
    const from = windowStart(view, windowDays!)
    const answers = sumOfDays(npsAnswers, from, view.day)
    if (answers === 0) return noData()
    const value = sumOfDays(npsScores, from, view.day) / MICRO / answers
    const age = view.day - view.state.npsDay
    const freshDays = settings!.freshDays!
    const freshness = age <= freshDays ? 1 : 1 - (age - freshDays) / (windowDays! - freshDays)
    const fadesIn = age < freshDays ? freshDays - age + 1 : 1
    return found(
      value,
      pointsAt(curve!, value),
      Math.min(fadesIn, leavesIn(view, npsAnswers.days, windowDays!)),
      freshness,
    )
  },
}
