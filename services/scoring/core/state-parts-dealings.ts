import { own, SUBSCRIPTION_KINDS } from './state.ts'
import { type Part, stamped } from './state-part.ts'
import { series } from './state-parts-usage.ts'
import { dayOr, readMap, readNullable, readStamp, writeMap, writeNullable, writeStamp } from './state-values.ts'

const newestDays: Part = {
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

const subscriptions: Part = stamped(
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

const planLimit: Part = {
  isEmpty: (state) => state.planLimit === null,
  write: (to, state) => {
    writeStamp(to, state.planLimit!)
    writeNullable(to, state.planLimit!.used, to.double)
    writeNullable(to, state.planLimit!.limit, to.double)
  },
  read: (from, state) => {
    state.planLimit = {
      ...readStamp(from),
      used: readNullable(from, from.double),
      limit: readNullable(from, from.double),
    }
  },
}

const tickets: Part = {
  isEmpty: (state) => state.tickets.size === 0,
  write: (to, state) =>
    writeMap(to, state.tickets, (_, ticket) => {
      dayOr.write(to, ticket.openedDay)
      dayOr.write(to, ticket.openingDay)
      to.uint(
        (ticket.breached ? 1 : 0) + (ticket.status ? 2 : 0) + (ticket.priority ? 4 : 0) + (ticket.status?.open ? 8 : 0),
      )
      if (ticket.status) writeStamp(to, ticket.status)
      if (!ticket.priority) return
      writeStamp(to, ticket.priority)
      to.text(ticket.priority.name)
    }),
  read: (from, state) =>
    readMap(from, own(state, 'tickets'), () => {
      const openedDay = dayOr.read(from)
      const openingDay = dayOr.read(from)
      const bits = from.uint()
      const status = bits & 2 ? { ...readStamp(from), open: (bits & 8) !== 0 } : null
      const priority = bits & 4 ? { ...readStamp(from), name: from.text() } : null
      return { openedDay, openingDay, breached: (bits & 1) !== 0, status, priority }
    }),
}

const invoices: Part = {
  isEmpty: (state) => state.invoices.size === 0,
  write: (to, state) =>
    writeMap(to, state.invoices, (_, invoice) => {
      writeNullable(to, invoice.paid, (stamp) => writeStamp(to, stamp))
      to.uint(invoice.failures.length)
      for (const failure of invoice.failures) writeStamp(to, failure)
    }),
  read: (from, state) =>
    readMap(from, own(state, 'invoices'), () => {
      const paid = readNullable(from, () => readStamp(from))
      return { paid, failures: Array.from({ length: from.uint() }, () => readStamp(from)) }
    }),
}

const nps: Part = {
  isEmpty: (state) => state.nps.size === 0,
  write: (to, state) =>
    writeMap(to, state.nps, (_, answer) => {
      writeStamp(to, answer)
      to.int(answer.day)
      to.double(answer.score)
    }),
  read: (from, state) =>
    readMap(from, own(state, 'nps'), () => ({ ...readStamp(from), day: from.int(), score: from.double() })),
}

/** What passes between the account and its supplier: contracts, money, support, opinions. */
export const DEALINGS_PARTS: readonly Part[] = [
  subscriptions,
  tickets,
  invoices,
  nps,
  series((state) => state.csatAnswers),
  series((state) => state.csatSatisfied),
  newestDays,
  planLimit,
]
