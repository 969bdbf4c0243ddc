import { type FactorDefinition, found, isConnected, noData, windowStart } from './factor-input.ts'
import { hasBilling } from './payment.ts'

/** Whether the latest change of plan in the window was up or down. Data once there was a subscription or invoice event. */
export const plan: FactorDefinition = {
  name: 'commercial.plan',
  group: 'commercial',
  needs: ['windowDays'],
  points: ['unchanged', 'upgraded', 'downgraded'],
  measure: (view, { windowDays, points }) => {
    const { state, zone } = view
    if (!hasBilling(state) && !isConnected(view, 'commercial')) return noData()
    const latest = state.subscriptions.findLast(({ kind }) => kind === 'Upgraded' || kind === 'Downgraded')
    const day = latest === undefined ? Number.NEGATIVE_INFINITY : zone.dayOf(latest.at)
    if (latest === undefined || day < windowStart(view, windowDays!)) {
      return found(null, points!.unchanged!, Number.POSITIVE_INFINITY)
    }
    const earned = latest.kind === 'Upgraded' ? points!.upgraded! : points!.downgraded!
    return found(null, earned, day + windowDays! - view.day)
  },
}
