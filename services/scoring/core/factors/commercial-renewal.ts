import { subscriptionsOf } from '../state/subscription-ledger.ts'
import { type FactorDefinition, found, noData } from './factor-input.ts'
import { pointsOfStep } from './score-factor.ts'

/** Local days to the renewal date, where auto-renew is off; unknown counts as on. No data without a date. */
export const renewal: FactorDefinition = {
  name: 'commercial.renewal',
  group: 'commercial',
  needs: ['upTo', 'beyond'],
  points: ['autoRenew'],
  measure: (view, { upTo, beyond, points }) => {
    const { renewalDay, autoRenew } = subscriptionsOf(view.state).renewal
    if (renewalDay === null) return noData()
    const value = renewalDay - view.day
    if (autoRenew !== false) return found(value, points!.autoRenew!, Number.POSITIVE_INFINITY)
    const limit = upTo!.findLast(([days]) => days < value)?.[0]
    const changesIn = limit === undefined ? Number.POSITIVE_INFINITY : Math.ceil(value - limit)
    return found(value, pointsOfStep({ upTo: upTo!, beyond: beyond! }, value), changesIn)
  },
}
