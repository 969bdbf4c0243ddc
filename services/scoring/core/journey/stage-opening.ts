import type { EndedBy } from '../state/timeline.ts'
import type { AccountView } from './account-view.ts'

export type Opening =
  | 'first_event'
  | 'onboarding_started'
  | EndedBy
  | 'renewal_window'
  | 'subscription_canceled'
  | 'account_deleted'
  | 'subscription_event'
  | 'account_created'
  | 'renewal_date_changed'

/** What opened the gate into the span at this place. */
export const openingOf = ({ state, timeline }: AccountView, place: number): Opening => {
  const { at, stage } = timeline.spans[place]!
  const { lifecycle, subscriptions } = state
  if (stage === 'churned') {
    return lifecycle.some((event) => event.at === at && event.deleted) ? 'account_deleted' : 'subscription_canceled'
  }
  if (stage === 'onboarding') {
    if (state.journeyStarts.some((start) => start.at === at)) return 'onboarding_started'
    if (place === 0) return 'first_event'
  }
  const ended = timeline.runs.findLast((run) => run.endAt === at && run.endedBy !== null)
  if (ended !== undefined && timeline.spans[place - 1]?.stage !== 'churned' && stage !== 'onboarding')
    return ended.endedBy!
  if (subscriptions.some((event) => event.at === at)) return 'subscription_event'
  if (lifecycle.some((event) => event.at === at)) return 'account_created'
  if (state.renewalTraits.some((event) => event.at === at)) return 'renewal_date_changed'
  if (stage === 'renewal') return 'renewal_window'
  return place === 0 ? 'first_event' : 'onboarding_started'
}
