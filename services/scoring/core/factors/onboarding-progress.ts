import { stepsDone } from '../journey/journey-runs.ts'
import { factor, NEVER } from './factor.ts'

/** (steps done / required) / min(1, elapsed / target): 1 = on time. Required steps only. */
export const progress = factor({
  needs: ['curve'],
  value: ({ run, at, day, zone, model }) => {
    if (run === undefined || run.required === 0) return null
    const elapsed = day - zone.dayOf(run.startAt) + 1
    return stepsDone(run, at) / run.required / Math.min(1, elapsed / model.model.onboarding.targetDays)
  },
  changesIn: ({ run, day, zone, model }, _row, value) =>
    run !== undefined && value > 0 && day - zone.dayOf(run.startAt) + 1 < model.model.onboarding.targetDays ? 1 : NEVER,
})
