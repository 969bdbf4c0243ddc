import type { SubscriptionKind } from '#libs/contracts/subscription-kinds.ts'
import type { CountedEvent } from '../events/event.ts'
import type { EventOrder } from '../events/event-order.ts'
import { createDayCounts, type DayCounts } from './day-counts.ts'
import type { Memo } from './memo.ts'

export type SubscriptionEvent = EventOrder & {
  readonly kind: SubscriptionKind
  readonly subscriptionId: string
  readonly mrr: number | null
  readonly plan: string | null
  readonly renewalDay: number | null
  readonly termMonths: number | null
  readonly autoRenew: boolean | null
}

export type JourneyStart = EventOrder & {
  readonly journeyId: string
  readonly steps: readonly string[] | null
  readonly stepCount: number | null
}
export type Lifecycle = EventOrder & { readonly deleted: boolean }
/** What a traits event says of the renewal; null: nothing. */
export type RenewalTrait = EventOrder & { readonly renewalDay: number | null; readonly termMonths: number | null }

/**
 * What an account's events add up to, in any order: sums by day, maxima, latest values with their
 * event order, ordered lists of rare events. Of users and interactions only counts are here.
 */
export type AccountState = {
  eventCount: number
  /** Null before the first event; a bypass is none. */
  firstEventAt: number | null
  lastActivityAt: number | null
  /** Names Pulso does not know are bounded, the rest is counted under ''. */
  readonly typeCounts: Map<string, number>
  activeDays: number[]
  readonly coreEvents: DayCounts
  /** Distinct users with any activity ever. */
  userCount: number
  /** Users by the last day they were active, or had a core event. */
  readonly activeUsers: DayCounts
  readonly coreUsers: DayCounts
  /** Core feature -> last day used. */
  features: ReadonlyMap<string, number>
  /** Latest value per trait; `traitOrders` holds its event order. */
  readonly traits: Record<string, unknown>
  traitOrders: ReadonlyMap<string, EventOrder>
  readonly renewalTraits: RenewalTrait[]
  readonly lifecycle: Lifecycle[]
  readonly subscriptions: SubscriptionEvent[]
  readonly journeyStarts: JourneyStart[]
  /** Instants by journey and step, ascending. */
  journeySteps: ReadonlyMap<string, Map<string, number[]>>
  journeyDone: ReadonlyMap<string, number[]>
  bypasses: ReadonlyMap<string, number[]>
  /** Instants of events that realise value, ascending. */
  readonly valueAt: number[]
  /** Tickets, invoices and people who answered, ever. */
  ticketCount: number
  invoiceCount: number
  answererCount: number
  /** Newest day of an Opened event; -1 = never. The next two count tickets back from it. */
  ticketDay: number
  /** Tickets by the day of their first Opened event, and the breached ones among them. */
  readonly ticketsOpened: DayCounts
  readonly ticketsBreached: DayCounts
  /** Open tickets of an urgent priority by the day of their latest Opened or Reopened. */
  readonly urgentOpen: DayCounts
  /** Invoices by the day since which they are failing. */
  readonly failingInvoices: DayCounts
  /** Latest answers by day in the newest's window; whole micro-points, so order changes no sum. */
  readonly npsAnswers: DayCounts
  readonly npsScores: DayCounts
  readonly csatAnswers: DayCounts
  readonly csatSatisfied: DayCounts
  /** Newest local days; -1 = never. */
  npsDay: number
  detractorDay: number
  promoterDay: number
  advocacyDay: number
  contactDay: number
  champion: (EventOrder & { readonly userId: string | null }) | null
  championSeenDay: number
  planLimit: (EventOrder & { readonly used: number | null; readonly limit: number | null }) | null
  /** Events of the next minutes (clocks of clients differ), in order; counted when due. */
  readonly pending: CountedEvent[]
  readonly memo: Memo
}

/** Most maps of most accounts are empty, and share one until they are written to. */
const EMPTY: ReadonlyMap<string, never> = new Map<string, never>()

type Maps = Pick<AccountState, 'features' | 'traitOrders' | 'journeySteps' | 'journeyDone' | 'bypasses'>
type Writable<Held> = Held extends ReadonlyMap<infer Key, infer Value> ? Map<Key, Value> : never

/** The account's own map, to be written to. */
export const own = <Name extends keyof Maps>(state: AccountState, name: Name): Writable<Maps[Name]> => {
  if (state[name] === EMPTY) (state as Maps)[name] = new Map() as Maps[Name]
  return state[name] as Writable<Maps[Name]>
}

export const createState = (): AccountState => ({
  eventCount: 0,
  firstEventAt: null,
  lastActivityAt: null,
  typeCounts: new Map(),
  activeDays: [],
  coreEvents: createDayCounts(),
  userCount: 0,
  activeUsers: createDayCounts(),
  coreUsers: createDayCounts(),
  features: EMPTY,
  traits: Object.create(null) as Record<string, unknown>,
  traitOrders: EMPTY,
  renewalTraits: [],
  lifecycle: [],
  subscriptions: [],
  journeyStarts: [],
  journeySteps: EMPTY,
  journeyDone: EMPTY,
  bypasses: EMPTY,
  valueAt: [],
  ticketCount: 0,
  invoiceCount: 0,
  answererCount: 0,
  ticketDay: -1,
  ticketsOpened: createDayCounts(),
  ticketsBreached: createDayCounts(),
  urgentOpen: createDayCounts(),
  failingInvoices: createDayCounts(),
  npsAnswers: createDayCounts(),
  npsScores: createDayCounts(),
  csatAnswers: createDayCounts(),
  csatSatisfied: createDayCounts(),
  npsDay: -1,
  detractorDay: -1,
  promoterDay: -1,
  advocacyDay: -1,
  contactDay: -1,
  champion: null,
  championSeenDay: -1,
  planLimit: null,
  pending: [],
  memo: {},
})
