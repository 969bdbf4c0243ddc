import type { CountedEvent } from '../events/event.ts'
import { compareStamps, insertByStamp, type Stamp, stampOf } from '../events/event-order.ts'
import { countOf, flagOf, numberOf, positiveOf, textOf, textOr } from '../events/properties.ts'
import { parseDay } from '../time/calendar.ts'
import type { Zone } from '../time/time-zone.ts'
import { changeDay } from './day-counts.ts'
import type { DealingBook, Invoice } from './interactions.ts'
import type { AccountState, SubscriptionKind } from './state.ts'

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

export const invoiceIdOf = ({ properties }: CountedEvent): string => textOr(properties, 'invoiceId', '')

const UNKNOWN: Invoice = { paid: null, failures: [] }

export const foldInvoice = (
  state: AccountState,
  event: CountedEvent,
  { dealings, zone }: { readonly dealings: DealingBook; readonly zone: Zone },
): void => {
  const invoiceId = invoiceIdOf(event)
  const known = dealings.get('invoice', invoiceId)
  const before = known ?? UNKNOWN
  const after =
    event.type === 'Invoice Paid' ? withPayment(before, stampOf(event)) : withFailure(before, stampOf(event))
  if (known === undefined) state.invoiceCount += 1
  if (after === known) return
  dealings.set('invoice', invoiceId, after)
  const [from, to] = [before.failures[0], after.failures[0]]
  if (from !== undefined) changeDay(state.failingInvoices, zone.dayOf(from.at), -1)
  if (to !== undefined) changeDay(state.failingInvoices, zone.dayOf(to.at), 1)
}

const withFailure = (invoice: Invoice, failure: Stamp): Invoice => {
  if (invoice.paid !== null && compareStamps(invoice.paid, failure) > 0) return invoice
  const failures = [...invoice.failures]
  insertByStamp(failures, failure)
  return { ...invoice, failures }
}

/** Failures that a later payment settled are forgotten: no event can bring them back. */
const withPayment = (invoice: Invoice, paid: Stamp): Invoice =>
  invoice.paid !== null && compareStamps(invoice.paid, paid) > 0
    ? invoice
    : { paid, failures: invoice.failures.filter((failure) => compareStamps(failure, paid) > 0) }

export const foldPlanLimit = (state: AccountState, event: CountedEvent): void => {
  const stamp = stampOf(event)
  if (state.planLimit !== null && compareStamps(state.planLimit, stamp) > 0) return
  state.planLimit = { ...stamp, used: numberOf(event.properties.used), limit: positiveOf(event.properties.limit) }
}
