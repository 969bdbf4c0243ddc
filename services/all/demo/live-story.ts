import { toInstant } from '#libs/runtime/clock.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import { type DemoEvent, FEATURES } from './history.ts'
import type { DemoAccount } from './portfolio.ts'
import type { Random } from './random.ts'

type Fact = {
  readonly type: string
  /** Set for a fact that is reported late. */
  readonly daysAgo?: number
  readonly properties: Record<string, unknown>
  readonly byUser?: boolean
}

export type Incident = { readonly accountId: string; readonly story: string; readonly facts: readonly Fact[] }

/** Incidents, bad and good, in the order of the story. */
export const INCIDENTS: readonly Incident[] = [
  {
    accountId: 'garnet-rail',
    story: 'billing reports late that an invoice of Garnet Rail failed 16 days ago',
    facts: [{ type: 'Payment Failed', daysAgo: 16, properties: { invoiceId: 'second', amount: 89_100 } }],
  },
  {
    accountId: 'delta-labs',
    story: 'Delta Labs schedules its cancellation',
    facts: [{ type: 'Subscription Cancel Scheduled', properties: { subscriptionId: 'main', reason: 'price' } }],
  },
  {
    accountId: 'birch-bank',
    story: 'the champion of Birch Bank leaves the company',
    facts: [{ type: 'Champion Changed', properties: { from: 'birch-bank-u1' } }],
  },
  {
    accountId: 'indigo-rail',
    story: 'Indigo Rail, which uses less and less, opens two urgent tickets, loses its champion and downgrades',
    facts: [
      { type: 'Support Ticket Opened', properties: { ticketId: 't-8', priority: 'urgent', category: 'login' } },
      { type: 'Support Ticket Opened', properties: { ticketId: 't-9', priority: 'urgent', category: 'exports' } },
      { type: 'NPS Responded', properties: { score: 0, comment: 'thinking of leaving' }, byUser: true },
      { type: 'group', properties: { seats: 60 } },
      { type: 'Subscription Downgraded', properties: { subscriptionId: 'main', plan: 'team' } },
      { type: 'Champion Changed', properties: { from: 'indigo-rail-u1' } },
    ],
  },
  {
    accountId: 'harbor-clinic',
    story: 'a user of Harbor Clinic answers the NPS survey with 2',
    facts: [{ type: 'NPS Responded', properties: { score: 2, comment: 'exports keep failing' }, byUser: true }],
  },
  {
    accountId: 'garnet-rail',
    story: 'Garnet Rail pays its invoice',
    facts: [{ type: 'Invoice Paid', properties: { invoiceId: 'second', amount: 89_100 } }],
  },
  {
    accountId: 'ember-rail',
    story: 'an invoice of Ember Rail, three weeks old, has failed too',
    facts: [{ type: 'Payment Failed', daysAgo: 21, properties: { invoiceId: 'second', amount: 44_100 } }],
  },
]

const eventOf = (id: string, accountId: string, nowMs: number, fact: Fact): DemoEvent => ({
  id,
  source: 'demo-live',
  type: fact.type,
  accountId,
  ...(fact.byUser ? { userId: `${accountId}-u2` } : {}),
  occurredAt: toInstant(nowMs - (fact.daysAgo ?? 0) * DAY_MS),
  properties: fact.properties,
  mode: 'live',
})

export const eventsOfIncident = (incident: Incident, id: string, nowMs: number): DemoEvent[] =>
  incident.facts.map((fact, index) => eventOf(`${id}-${index}`, incident.accountId, nowMs, fact))

/** Everyday work: some users of thriving accounts use a feature. */
export const everydayEvents = (
  accounts: readonly DemoAccount[],
  random: Random,
  id: string,
  nowMs: number,
): DemoEvent[] =>
  Array.from({ length: random.integer(5, 12) }, (_, index) => {
    const account = random.pick(accounts)
    return {
      id: `${id}-${index}`,
      source: 'demo-live',
      type: 'Feature Used',
      accountId: account.accountId,
      userId: random.pick(account.users),
      occurredAt: toInstant(nowMs),
      properties: { feature: random.pick(FEATURES), core: true },
      mode: 'live',
    }
  })
