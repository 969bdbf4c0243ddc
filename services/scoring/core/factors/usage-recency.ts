import { type FactorDefinition, found, noData } from './factor-input.ts'
import { daysToMove, pointsAt } from './score-factor.ts'

/** Local days since the last activity event. Nothing stands for "never": no data before the first. */
export const recency: FactorDefinition = {
  name: 'usage.recency',
  group: 'usage',
  needs: ['curve'],
  measure: (view, { curve }) => {
    const { lastActivityAt } = view.state
    if (lastActivityAt === null) return noData()
    const value = view.day - view.zone.dayOf(lastActivityAt)
    return found(value, pointsAt(curve!, value), daysToMove(curve!, value))
  },
}
