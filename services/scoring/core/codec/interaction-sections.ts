import { SUBSCRIPTION_KINDS } from '#libs/contracts/subscription-kinds.ts'
import { ordered, type StateSection } from './state-section.ts'
import { dayOr, readEventOrder, readNullable, writeEventOrder, writeNullable } from './state-values.ts'
import { series } from './usage-sections.ts'

const newestDays: StateSection = {
  isEmpty: (state) =>
    Math.max(state.npsDay, state.detractorDay, state.promoterDay, state.advocacyDay, state.contactDay) === -1,
  write: (to, state) => {
    for (const name of NEWEST) to.int(state[name])
  },
  read: (from, state) => {
    for (const name of NEWEST) state[name] = from.int()
  },
}

const NEWEST = ['npsDay', 'detractorDay', 'promoterDay', 'advocacyDay', 'contactDay'] as const

const subscriptions: StateSection = ordered(
  (state) => state.subscriptions,
  (to, event) => {
    to.uint(SUBSCRIPTION_KINDS.indexOf(event.kind))
    to.text(event.subscriptionId)
    writeNullable(to, event.mrr, to.double)
    writeNullable(to, event.plan, to.text)
    dayOr.write(to, event.renewalDay)
    dayOr.write(to, event.termMonths)
    to.uint(event.autoRenew === null ? 0 : event.autoRenew ? 1 : 2)
  },
  (from) => ({
    kind: SUBSCRIPTION_KINDS[from.uint()]!,
    subscriptionId: from.text(),
    mrr: readNullable(from, from.double),
    plan: readNullable(from, from.text),
    renewalDay: dayOr.read(from),
    termMonths: dayOr.read(from),
    autoRenew: [null, true, false][from.uint()]!,
  }),
)

const planLimit: StateSection = {
  isEmpty: (state) => state.planLimit === null,
  write: (to, state) => {
    writeEventOrder(to, state.planLimit!)
    writeNullable(to, state.planLimit!.used, to.double)
    writeNullable(to, state.planLimit!.limit, to.double)
  },
  read: (from, state) => {
    state.planLimit = {
      ...readEventOrder(from),
      used: readNullable(from, from.double),
      limit: readNullable(from, from.double),
    }
  },
}

const interactions: StateSection = {
  isEmpty: (state) => state.ticketCount + state.invoiceCount + state.answererCount === 0,
  write: (to, state) => {
    to.uint(state.ticketCount)
    to.uint(state.invoiceCount)
    to.uint(state.answererCount)
    to.int(state.ticketDay)
  },
  read: (from, state) => {
    state.ticketCount = from.uint()
    state.invoiceCount = from.uint()
    state.answererCount = from.uint()
    state.ticketDay = from.int()
  },
}

/** Sections on what account and supplier exchange: contracts, money, support, opinions. */
export const INTERACTION_SECTIONS: readonly StateSection[] = [
  subscriptions,
  interactions,
  series((state) => state.ticketsOpened),
  series((state) => state.ticketsBreached),
  series((state) => state.urgentOpen),
  series((state) => state.failingInvoices),
  series((state) => state.npsAnswers),
  series((state) => state.npsScores),
  series((state) => state.csatAnswers),
  series((state) => state.csatSatisfied),
  newestDays,
  planLimit,
]
