import { type FactorDefinition, found, noData } from './factor-input.ts'
import { daysToMove, pointsAt } from './score-factor.ts'

/** Local days since the last meaningful contact (a `Touchpoint Logged` of one of the model's kinds). */
export const touch: FactorDefinition = {
  name: 'relationship.touch',
  group: 'relationship',
  needs: ['curve'],
  measure: (view, { curve }) => {
    if (view.state.contactDay < 0) return noData()
    const value = view.day - view.state.contactDay
    return found(value, pointsAt(curve!, value), daysToMove(curve!, value))
  },
}
