import { invoiceEvents, paymentFailedDays, renewalOf, subscriptionEvents } from './contracts.ts'
import { activeUsers28 } from './measures-of-use.ts'
import {
  above0,
  activity,
  daysSince,
  flag,
  latest,
  latestOf,
  number,
  ofType,
  type Past,
  type ReferenceEvent,
  text,
  within,
} from './past.ts'
import { type Measure, onCurve } from './points.ts'

const OPENING = ['Support Ticket Opened', 'Support Ticket Reopened']
const TICKET_TYPES = [...OPENING, 'Support Ticket Updated', 'Support Ticket Resolved']

type Ticket = {
  readonly firstOpened: ReferenceEvent | null
  readonly openSince: ReferenceEvent | null
  readonly urgent: boolean
  readonly breached: boolean
}

export const ticketsOf = (past: Past): readonly Ticket[] => {
  const all = ofType(past, ...TICKET_TYPES)
  const ids = [...new Set(all.map((event) => text(event, 'ticketId') ?? ''))]
  return ids.map((id) => {
    const events = all.filter((event) => (text(event, 'ticketId') ?? '') === id)
    const openings = events.filter(({ type }) => OPENING.includes(type))
    const turns = events.filter(({ type }) => type !== 'Support Ticket Updated')
    const priority = latestOf(events, (event) => text(event, 'priority'))
    return {
      firstOpened: events.find(({ type }) => type === 'Support Ticket Opened') ?? null,
      openSince: latest(turns)?.type === 'Support Ticket Resolved' ? null : latest(openings),
      urgent: priority === 'urgent' || priority === 'high',
      breached: events.some((event) => flag(event, 'slaBreached') === true),
    }
  })
}

/** Null before any support event. */
export const openUrgentTickets = (past: Past): number | null => {
  const known = ofType(past, ...TICKET_TYPES).length > 0 || past.model.connected.includes('support')
  return known ? ticketsOf(past).filter(({ urgent, openSince }) => urgent && openSince !== null).length : null
}

const measuresOfSupport = (past: Past): Readonly<Record<string, Measure>> => {
  const opened = ticketsOf(past).filter(({ firstOpened }) => firstOpened && within(past, [firstOpened], 28).length > 0)
  const urgent = openUrgentTickets(past)
  const rate = urgent === null ? null : (10 * opened.length) / Math.max(1, activeUsers28(past))
  const breached = opened.filter((ticket) => ticket.breached).length
  return {
    'support.ticket_rate': onCurve('support.ticket_rate', rate),
    'support.urgent_open': onCurve('support.urgent_open', urgent),
    'support.sla_breach': onCurve('support.sla_breach', opened.length > 0 ? breached / opened.length : null),
  }
}

const npsScore = (event: ReferenceEvent): number | null => {
  const score = number(event, 'score')
  return score !== null && score >= 0 && score <= 10 ? score : null
}
export const npsAnswers = (past: Past): readonly ReferenceEvent[] =>
  ofType(past, 'NPS Responded').filter((event) => npsScore(event) !== null)

export const detractorWithin90d = (past: Past): boolean =>
  within(past, npsAnswers(past), 90).some((event) => npsScore(event)! <= 6)

const nps = (past: Past): number | null => {
  const answers = within(past, npsAnswers(past), 180)
  const counted = answers.filter(
    (event, index) => event.userId === null || !answers.slice(index + 1).some(({ userId }) => userId === event.userId),
  )
  const micros = counted.reduce((sum, event) => sum + Math.round(npsScore(event)! * 1e6), 0)
  return counted.length > 0 ? micros / counted.length / 1e6 : null
}

export const npsFreshness = (past: Past): number => {
  const newest = latest(npsAnswers(past))
  return newest ? Math.max(0, Math.min(1, (180 - daysSince(past, newest)) / 90)) : 0
}

const csat = (past: Past): number | null => {
  const answers = within(past, ofType(past, 'CSAT Responded'), 91).filter((event) => number(event, 'score') !== null)
  const satisfied = answers.filter((event) => number(event, 'score')! / (above0(event, 'scale') ?? 5) >= 0.8)
  return answers.length < 3 ? null : satisfied.length / answers.length
}

const payment = (past: Past): Measure => {
  const days = paymentFailedDays(past)
  if (days === null) return { value: null, points: 100 }
  return { value: days, points: days <= 7 ? 50 : days <= 30 ? 20 : 0 }
}

const plan = (past: Past): Measure => {
  const changes = within(past, ofType(past, 'Subscription Upgraded', 'Subscription Downgraded'), 91)
  const last = latest(changes)
  return { value: null, points: last === null ? 80 : last.type === 'Subscription Upgraded' ? 100 : 20 }
}

export const renewalInDays = (past: Past): number | null => {
  const { day } = renewalOf(past)
  return day === null ? null : day - past.today
}

const renewal = (past: Past): Measure => {
  const days = renewalInDays(past)
  if (days === null) return null
  const safe = renewalOf(past).autoRenew !== false || days > 60
  return { value: days, points: safe ? 100 : days > 30 ? 30 : 0 }
}

const latestChampionChange = (past: Past): ReferenceEvent | null => latest(ofType(past, 'Champion Changed'))

export const championRemoved = (past: Past): boolean => {
  const change = latestChampionChange(past)
  return change !== null && text(change, 'to') === null
}

const champion = (past: Past): Measure => {
  const change = latestChampionChange(past)
  if (change === null) return null
  const seen = latest(activity(past).filter(({ userId }) => userId !== null && userId === text(change, 'to')))
  if (seen === null) return { value: null, points: 0 }
  const days = daysSince(past, seen)
  return { value: days, points: days <= 14 ? 100 : days <= 30 ? 50 : 0 }
}

export const measuresOfRelation = (past: Past): Readonly<Record<string, Measure>> => {
  const known = subscriptionEvents(past).length + invoiceEvents(past).length > 0
  const commercial = known || past.model.connected.includes('commercial')
  const contacts = ofType(past, 'Touchpoint Logged').filter((event) =>
    ['call', 'meeting', 'qbr'].includes(text(event, 'kind') ?? ''),
  )
  const contact = latest(contacts)
  return {
    ...measuresOfSupport(past),
    'sentiment.nps': onCurve('sentiment.nps', nps(past)),
    'sentiment.csat': onCurve('sentiment.csat', csat(past)),
    'commercial.payment': commercial ? payment(past) : null,
    'commercial.plan': commercial ? plan(past) : null,
    'commercial.renewal': renewal(past),
    'relationship.touch': onCurve('relationship.touch', contact ? daysSince(past, contact) : null),
    'relationship.champion': champion(past),
  }
}
