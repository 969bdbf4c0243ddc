import { parseDay } from './calendar.ts'
import type { CountedEvent } from './event.ts'
import { countOf, flagOf, numberOf, positiveOf, textOf, textOr } from './properties.ts'
import { compareStamps, insertByStamp, stampOf } from './stamp.ts'
import { type AccountState, own, type SubscriptionKind } from './state.ts'
import type { Zone } from './zone.ts'

const PREFIX = 'Subscription '

export const foldSubscription = (state: AccountState, event: CountedEvent, zone: Zone): void => {
  const { mrr, plan, renewalDate, termMonths, autoRenew } = event.properties
  insertByStamp(state.subscriptions, {
    ...stampOf(event),
    kind: event.type.slice(PREFIX.length) as SubscriptionKind,
    subscriptionId: textOr(event.properties, 'subscriptionId', ''),
    mrr: numberOf(mrr),
    plan: textOf(plan),
    renewalDay: parseDay(renewalDate, zone),
    termMonths: countOf(termMonths),
    autoRenew: flagOf(autoRenew),
  })
  state.memo.timeline = undefined
  state.memo.subscriptions = undefined
}

/** Failures that a later payment settled are forgotten: no event can bring them back. */
export const foldInvoice = (state: AccountState, event: CountedEvent): void => {
  state.memo.invoices = undefined
  const invoiceId = textOr(event.properties, 'invoiceId', '')
  let invoice = state.invoices.get(invoiceId)
  if (invoice === undefined) {
    invoice = { paid: null, failures: [] }
    own(state, 'invoices').set(invoiceId, invoice)
  }
  const stamp = stampOf(event)
  if (event.type !== 'Invoice Paid') {
    if (invoice.paid === null || compareStamps(invoice.paid, stamp) < 0) insertByStamp(invoice.failures, stamp)
    return
  }
  if (invoice.paid !== null && compareStamps(invoice.paid, stamp) > 0) return
  invoice.paid = stamp
  let settled = 0
  while (settled < invoice.failures.length && compareStamps(invoice.failures[settled]!, stamp) < 0) settled += 1
  invoice.failures.splice(0, settled)
}

export const foldPlanLimit = (state: AccountState, event: CountedEvent): void => {
  const stamp = stampOf(event)
  if (state.planLimit !== null && compareStamps(state.planLimit, stamp) > 0) return
  state.planLimit = { ...stamp, used: numberOf(event.properties.used), limit: positiveOf(event.properties.limit) }
}
