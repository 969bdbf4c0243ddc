import { SUBSCRIPTION_PREFIX, type SubscriptionKind } from '#libs/contracts/subscription-kinds.ts'
import { parseDay } from '#libs/time/calendar.ts'
import type { Zone } from '#libs/time/time-zone.ts'
import type { CountedEvent } from '../events/event.ts'
import { compareEventOrders, type EventOrder, eventOrderOf, insertInOrder } from '../events/event-order.ts'
import { countOf, flagOf, numberOf, positiveOf, textOf, textOr } from '../events/properties.ts'
import { changeDay } from './day-counts.ts'
import type { InteractionLookup, Invoice } from './interactions.ts'
import type { AccountState } from './state.ts'

export const foldSubscription = (state: AccountState, event: CountedEvent, zone: Zone): void => {
  const { mrr, plan, renewalDate, termMonths, autoRenew } = event.properties
  insertInOrder(state.subscriptions, {
    ...eventOrderOf(event),
    kind: event.type.slice(SUBSCRIPTION_PREFIX.length) as SubscriptionKind,
    subscriptionId: textOr(event.properties, 'subscriptionId', ''),
    mrr: numberOf(mrr),
    plan: textOf(plan),
    renewalDay: parseDay(renewalDate, zone),
    termMonths: countOf(termMonths),
    autoRenew: flagOf(autoRenew),
  })
}

export const invoiceIdOf = ({ properties }: CountedEvent): string => textOr(properties, 'invoiceId', '')

const UNKNOWN: Invoice = { paid: null, failures: [] }

export const foldInvoice = (
  state: AccountState,
  event: CountedEvent,
  { interactions, zone }: { readonly interactions: InteractionLookup; readonly zone: Zone },
): void => {
  const invoiceId = invoiceIdOf(event)
  const known = interactions.get('invoice', invoiceId)
  const before = known ?? UNKNOWN
  const after =
    event.type === 'Invoice Paid' ? withPayment(before, eventOrderOf(event)) : withFailure(before, eventOrderOf(event))
  if (known === undefined) state.invoiceCount += 1
  if (after === known) return
  interactions.set('invoice', invoiceId, after)
  const [from, to] = [before.failures[0], after.failures[0]]
  if (from !== undefined) changeDay(state.failingInvoices, zone.dayOf(from.at), -1)
  if (to !== undefined) changeDay(state.failingInvoices, zone.dayOf(to.at), 1)
}

const withFailure = (invoice: Invoice, failure: EventOrder): Invoice => {
  if (invoice.paid !== null && compareEventOrders(invoice.paid, failure) > 0) return invoice
  const failures = [...invoice.failures]
  insertInOrder(failures, failure)
  return { ...invoice, failures }
}

/** Failures before a payment are forgotten: no event can bring them back. */
const withPayment = (invoice: Invoice, paid: EventOrder): Invoice =>
  invoice.paid !== null && compareEventOrders(invoice.paid, paid) > 0
    ? invoice
    : { paid, failures: invoice.failures.filter((failure) => compareEventOrders(failure, paid) > 0) }

export const foldPlanLimit = (state: AccountState, event: CountedEvent): void => {
  const order = eventOrderOf(event)
  if (state.planLimit !== null && compareEventOrders(state.planLimit, order) > 0) return
  state.planLimit = { ...order, used: numberOf(event.properties.used), limit: positiveOf(event.properties.limit) }
}
