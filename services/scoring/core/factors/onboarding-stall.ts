import { stalledFrom } from '../journey/journey-runs.ts'
import { type FactorDefinition, found, noData } from './factor-input.ts'
import { daysToMove, pointsAt } from './score-factor.ts'

/** Local days since the newest required step was first done (since the start while none is); 0 when all are. */
export const stall: FactorDefinition = {
  name: 'onboarding.stall',
  group: 'onboarding',
  needs: ['curve'],
  measure: (view, { curve }) => {
    const { run, at, day, zone } = view
    if (run === undefined || run.required === 0) return noData()
    const from = stalledFrom(run, at)
    if (from === null) return found(0, pointsAt(curve!, 0), Number.POSITIVE_INFINITY)
    const value = day - zone.dayOf(from)
    return found(value, pointsAt(curve!, value), daysToMove(curve!, value))
  },
}
