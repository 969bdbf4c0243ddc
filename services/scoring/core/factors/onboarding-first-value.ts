import { type FactorDefinition, found, noData } from './factor-input.ts'
import { pointsOfStep } from './score-factor.ts'

/** Local days from the journey's start to its first value. Not yet: no data for `graceDays`, then the points of `never`. */
export const firstValue: FactorDefinition = {
  name: 'onboarding.first_value',
  group: 'onboarding',
  needs: ['upTo', 'beyond'],
  points: ['never'],
  settings: ['graceDays'],
  measure: (view, { upTo, beyond, points, settings }) => {
    const { run, at, day, zone } = view
    if (run === undefined) return noData()
    const startDay = zone.dayOf(run.startAt)
    if (run.firstValueAt <= at) {
      const value = zone.dayOf(run.firstValueAt) - startDay
      return found(value, pointsOfStep({ upTo: upTo!, beyond: beyond! }, value), Number.POSITIVE_INFINITY)
    }
    const elapsed = day - startDay
    const graceDays = settings!.graceDays!
    if (elapsed <= graceDays) return noData(graceDays - elapsed + 1)
    return found(null, points!.never!, Number.POSITIVE_INFINITY)
  },
}
