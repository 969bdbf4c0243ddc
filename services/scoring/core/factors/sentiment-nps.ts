import { sumOfDays } from '../state/day-counts.ts'
import { MICRO } from '../state/fold-sentiment.ts'
import { factor } from './factor.ts'
import { leavesIn, windowStart } from './factor-input.ts'

/** Mean of each person's latest answer within the window. */
export const nps = factor({
  needs: ['windowDays', 'curve'],
  settings: ['freshDays'],
  value: (view, { windowDays }) => {
    const from = windowStart(view, windowDays)
    const answers = sumOfDays(view.state.npsAnswers, from, view.day)
    return answers === 0 ? null : sumOfDays(view.state.npsScores, from, view.day) / MICRO / answers
  },
  /** 1 until `freshDays` after the newest answer; falls to 0 at the end of the window. */
  freshness: ({ state, day }, { windowDays, settings: { freshDays } }) => {
    const age = day - state.npsDay
    return age <= freshDays ? 1 : 1 - (age - freshDays) / (windowDays - freshDays)
  },
  changesIn: (view, { windowDays, settings: { freshDays } }) => {
    const age = view.day - view.state.npsDay
    const fadesIn = age < freshDays ? freshDays - age + 1 : 1
    return Math.min(fadesIn, leavesIn(view, view.state.npsAnswers.days, windowDays))
  },
})
