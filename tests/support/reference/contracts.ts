import { dayOfText, plusMonths } from './calendar.ts'
import {
  byCodePoints,
  count,
  flag,
  latest,
  latestOf,
  number,
  ofType,
  type Past,
  type ReferenceEvent,
  text,
  trait,
} from './past.ts'

type Status = 'live' | 'scheduled' | 'canceled'

export type Subscription = {
  readonly id: string
  readonly status: Status
  readonly mrr: number | null
  readonly renewalDay: number | null
  readonly termMonths: number | null
  readonly autoRenew: boolean | null
}

const STATUS: Readonly<Record<string, Status>> = {
  'Subscription Started': 'live',
  'Subscription Renewed': 'live',
  'Subscription Upgraded': 'live',
  'Subscription Downgraded': 'live',
  'Subscription Cancel Reverted': 'live',
  'Subscription Reactivated': 'live',
  'Subscription Cancel Scheduled': 'scheduled',
  'Subscription Canceled': 'canceled',
}

export const subscriptionEvents = (past: Past): readonly ReferenceEvent[] => ofType(past, ...Object.keys(STATUS))

const dateIn = (past: Past, event: ReferenceEvent): number | null =>
  text(event, 'renewalDate') === null ? null : dayOfText(text(event, 'renewalDate')!, past.calendar)

const term = (event: ReferenceEvent): number | null => count(event, 'termMonths')
const autoRenew = (event: ReferenceEvent): boolean | null => flag(event, 'autoRenew')

const renewalDayOf = (past: Past, events: readonly ReferenceEvent[]): number | null => {
  let day: number | null = null
  let months: number | null = null
  for (const event of events) {
    months = term(event) ?? months
    const told = dateIn(past, event)
    if (told !== null) day = told
    else if (event.type === 'Subscription Renewed' && day !== null && months !== null) day = plusMonths(day, months)
  }
  return day
}

export const subscriptionsOf = (past: Past): readonly Subscription[] => {
  const all = subscriptionEvents(past)
  const ids = [...new Set(all.map((event) => text(event, 'subscriptionId') ?? ''))]
  return ids.map((id) => {
    const events = all.filter((event) => (text(event, 'subscriptionId') ?? '') === id)
    return {
      id,
      status: STATUS[latest(events)!.type]!,
      mrr: latestOf(events, (event) => number(event, 'mrr')),
      renewalDay: renewalDayOf(past, events),
      termMonths: latestOf(events, term),
      autoRenew: latestOf(events, autoRenew),
    }
  })
}

export type Renewal = {
  readonly day: number | null
  readonly termMonths: number | null
  readonly autoRenew: boolean | null
}

export const renewalOf = (past: Past): Renewal => {
  const dated = subscriptionsOf(past)
    .filter((subscription) => subscription.status !== 'canceled' && subscription.renewalDay !== null)
    .sort((a, b) => a.renewalDay! - b.renewalDay! || byCodePoints(a.id, b.id))
  const earliest = dated[0]
  if (earliest) return { day: earliest.renewalDay, termMonths: earliest.termMonths, autoRenew: earliest.autoRenew }
  return {
    day: trait(past, (event) => dateIn(past, event)),
    termMonths: trait(past, term),
    autoRenew: trait(past, autoRenew),
  }
}

const micros = (value: number): number => Math.round(value * 1e6)

export const mrrOf = (past: Past): number | null => {
  const given = subscriptionsOf(past).filter(({ status, mrr }) => status !== 'canceled' && mrr !== null)
  if (given.length === 0) return trait(past, (event) => number(event, 'mrr'))
  return given.reduce((sum, { mrr }) => sum + micros(mrr!), 0) / 1e6
}

const FAILED = ['Payment Failed', 'Invoice Payment Failed', 'Invoice Overdue']
export const invoiceEvents = (past: Past): readonly ReferenceEvent[] => ofType(past, 'Invoice Paid', ...FAILED)

/** The largest number of days since an invoice began to fail. */
export const paymentFailedDays = (past: Past): number | null => {
  const all = invoiceEvents(past)
  const ids = [...new Set(all.map((event) => text(event, 'invoiceId') ?? ''))]
  const since = ids.flatMap((id) => {
    const events = all.filter((event) => (text(event, 'invoiceId') ?? '') === id)
    const afterPaid = events.slice(events.findLastIndex(({ type }) => type === 'Invoice Paid') + 1)
    return afterPaid.length > 0 ? [past.today - past.calendar.dayOf(afterPaid[0]!.occurredAt)] : []
  })
  return since.length > 0 ? Math.max(...since) : null
}

/** `Account Deleted` is later than any `Account Created`. */
export const isDeleted = (past: Past): boolean =>
  latest(ofType(past, 'Account Created', 'Account Deleted'))?.type === 'Account Deleted'
