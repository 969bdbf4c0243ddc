import { type FactorDefinition, found, noData } from './factor-input.ts'
import { daysToNextStep, pointsOfStep } from './score-factor.ts'

/** Local days since the champion's latest activity; never seen counts as past the last limit, removed has points of its own. */
export const champion: FactorDefinition = {
  name: 'relationship.champion',
  group: 'relationship',
  needs: ['upTo', 'beyond'],
  points: ['removed'],
  measure: (view, { upTo, beyond, points }) => {
    const { champion: current, championSeenDay } = view.state
    if (current === null) return noData()
    if (current.userId === null) return found(null, points!.removed!, Number.POSITIVE_INFINITY)
    if (championSeenDay < 0) return found(null, beyond!, Number.POSITIVE_INFINITY)
    const value = view.day - championSeenDay
    const steps = { upTo: upTo!, beyond: beyond! }
    return found(value, pointsOfStep(steps, value), daysToNextStep(steps, value))
  },
}
