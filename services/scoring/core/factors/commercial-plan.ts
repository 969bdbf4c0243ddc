import type { AccountView } from '../journey/account-view.ts'
import type { SubscriptionEvent } from '../state/state.ts'
import { factor, NEVER } from './factor.ts'
import { isConnected, windowStart } from './factor-input.ts'
import { hasBilling } from './payment.ts'

/** The latest change of plan in the window. Data after a subscription or invoice event. */
export const plan = factor({
  needs: ['windowDays'],
  situations: ['unchanged', 'upgraded', 'downgraded'],
  value: () => null,
  situation: (view, { windowDays }) => {
    if (!hasBilling(view.state) && !isConnected(view, 'commercial')) return null
    const latest = latestMove(view, windowDays)
    if (latest === undefined) return 'unchanged'
    return latest.kind === 'Upgraded' ? 'upgraded' : 'downgraded'
  },
  changesIn: (view, { windowDays }) => {
    const latest = latestMove(view, windowDays)
    return latest === undefined ? NEVER : view.zone.dayOf(latest.at) + windowDays - view.day
  },
})

const latestMove = (view: AccountView, windowDays: number): SubscriptionEvent | undefined => {
  const latest = view.state.subscriptions.findLast(({ kind }) => kind === 'Upgraded' || kind === 'Downgraded')
  return latest !== undefined && view.zone.dayOf(latest.at) >= windowStart(view, windowDays) ? latest : undefined
}
