import type { SubscriptionKind } from '#libs/contracts/subscription-kinds.ts'
import { addMonths } from '#libs/time/calendar.ts'
import { compareText } from '../events/event-order.ts'
import { numberOf } from '../events/properties.ts'
import type { Renewal, Subscriptions } from './memo.ts'
import type { AccountState, RenewalTrait, SubscriptionEvent } from './state.ts'

export type Subscription = {
  readonly subscriptionId: string
  status: 'live' | 'scheduled' | 'canceled'
  mrr: number | null
  plan: string | null
  renewalDay: number | null
  termMonths: number | null
  autoRenew: boolean | null
}

export type Ledger = Map<string, Subscription>

const STATUS: Readonly<Record<SubscriptionKind, Subscription['status']>> = {
  Started: 'live',
  Renewed: 'live',
  Upgraded: 'live',
  Downgraded: 'live',
  'Cancel Scheduled': 'scheduled',
  'Cancel Reverted': 'live',
  Canceled: 'canceled',
  Reactivated: 'live',
}

/** Events must come in order: a renewal without a date moves the known date by the known term. */
export const applySubscription = (ledger: Ledger, event: SubscriptionEvent): void => {
  const { subscriptionId } = event
  let subscription = ledger.get(subscriptionId)
  if (subscription === undefined) {
    subscription = {
      subscriptionId,
      status: 'live',
      mrr: null,
      plan: null,
      renewalDay: null,
      termMonths: null,
      autoRenew: null,
    }
    ledger.set(subscriptionId, subscription)
  }
  subscription.status = STATUS[event.kind]
  subscription.mrr = numberOf(event.mrr) ?? subscription.mrr
  subscription.plan = event.plan ?? subscription.plan
  subscription.termMonths = event.termMonths ?? subscription.termMonths
  subscription.autoRenew = event.autoRenew ?? subscription.autoRenew
  if (event.renewalDay !== null) subscription.renewalDay = event.renewalDay
  else if (event.kind === 'Renewed' && subscription.renewalDay !== null && subscription.termMonths !== null) {
    subscription.renewalDay = addMonths(subscription.renewalDay, subscription.termMonths)
  }
}

/** The earliest dated subscription that is not canceled decides; without one the traits do. */
export const renewalOf = (ledger: Ledger, traits: Renewal): Renewal => {
  let earliest: Subscription | null = null
  for (const subscription of ledger.values()) {
    if (subscription.status === 'canceled' || subscription.renewalDay === null) continue
    if (earliest === null || isEarlier(subscription, earliest)) earliest = subscription
  }
  return earliest ?? traits
}

const isEarlier = (a: Subscription, b: Subscription): boolean =>
  a.renewalDay! < b.renewalDay! ||
  (a.renewalDay === b.renewalDay && compareText(a.subscriptionId, b.subscriptionId) < 0)

/** Latest renewal traits, each by itself, after one more event in order. */
export const applyRenewalTrait = (known: Renewal, event: RenewalTrait): Renewal => ({
  renewalDay: event.renewalDay ?? known.renewalDay,
  termMonths: event.termMonths ?? known.termMonths,
  autoRenew: known.autoRenew,
})

export const subscriptionsOf = (state: AccountState): Subscriptions => {
  const known = state.memo.subscriptions
  if (known !== undefined) return known
  const ledger: Ledger = new Map()
  for (const event of state.subscriptions) applySubscription(ledger, event)
  let traits: Renewal = { renewalDay: null, termMonths: null, autoRenew: null }
  for (const event of state.renewalTraits) traits = applyRenewalTrait(traits, event)
  const autoRenew = state.traits.autoRenew
  const all = [...ledger.values()].sort((a, b) => compareText(a.subscriptionId, b.subscriptionId))
  const mrrs = all.flatMap(({ status, mrr }) => (status === 'canceled' || mrr === null ? [] : [mrr]))
  const subscriptions: Subscriptions = {
    any: all.length > 0,
    anyLive: all.some(({ status }) => status === 'live'),
    anyScheduled: all.some(({ status }) => status === 'scheduled'),
    mrr: mrrs.length > 0 ? mrrs.reduce((sum, mrr) => sum + mrr, 0) : numberOf(state.traits.mrr),
    renewal: renewalOf(ledger, { ...traits, autoRenew: typeof autoRenew === 'boolean' ? autoRenew : null }),
  }
  state.memo.subscriptions = subscriptions
  return subscriptions
}
