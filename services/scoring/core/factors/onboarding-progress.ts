import { stepsDone } from '../journey/journey-runs.ts'
import { type FactorDefinition, found, noData } from './factor-input.ts'
import { pointsAt } from './score-factor.ts'

/** (required steps done / required) / min(1, elapsed / target): 1 = on time. No data without required steps. */
export const progress: FactorDefinition = {
  name: 'onboarding.progress',
  group: 'onboarding',
  needs: ['curve'],
  measure: (view, { curve }) => {
    const { run, at, day, zone, model } = view
    if (run === undefined || run.required === 0) return noData()
    const { targetDays } = model.model.onboarding
    const elapsed = day - zone.dayOf(run.startAt) + 1
    const done = stepsDone(run, at)
    const value = done / run.required / Math.min(1, elapsed / targetDays)
    return found(value, pointsAt(curve!, value), done > 0 && elapsed < targetDays ? 1 : Number.POSITIVE_INFINITY)
  },
}
