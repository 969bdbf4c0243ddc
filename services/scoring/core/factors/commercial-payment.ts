import { type FactorDefinition, found, isConnected, noData } from './factor-input.ts'
import { hasBilling, paymentFailedDays } from './payment.ts'
import { daysToNextStep, pointsOfStep } from './score-factor.ts'

/** Local days for which an invoice has been failing; `clear` while none is. Data once there was a subscription or invoice event. */
export const payment: FactorDefinition = {
  name: 'commercial.payment',
  group: 'commercial',
  needs: ['upTo', 'beyond'],
  points: ['clear'],
  measure: (view, { upTo, beyond, points }) => {
    if (!hasBilling(view.state) && !isConnected(view, 'commercial')) return noData()
    const value = paymentFailedDays(view)
    if (value === null) return found(null, points!.clear!, Number.POSITIVE_INFINITY)
    const steps = { upTo: upTo!, beyond: beyond! }
    return found(value, pointsOfStep(steps, value), daysToNextStep(steps, value))
  },
}
