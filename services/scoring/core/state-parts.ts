import type { ByteReader, ByteWriter } from './bytes.ts'
import type { DayCounts } from './day-counts.ts'
import type { CountedEvent } from './event.ts'
import { KNOWN_TYPES } from './event-types.ts'
import { compareText, type Stamp } from './stamp.ts'
import { type AccountState, SUBSCRIPTION_KINDS } from './state.ts'
import {
  dayOr,
  readDays,
  readInstants,
  readMap,
  readNames,
  readNullable,
  readStamp,
  writeDays,
  writeInstants,
  writeMap,
  writeNames,
  writeNullable,
  writeStamp,
} from './state-values.ts'

/** One part of the stored state. The place in the list is its number in the bytes: parts are only ever added at the end. */
export type Part = {
  readonly isEmpty: (state: AccountState) => boolean
  readonly write: (to: ByteWriter, state: AccountState) => void
  readonly read: (from: ByteReader, state: AccountState) => void
}

const TYPE_NAMES = [...KNOWN_TYPES.keys()]
const TYPE_NUMBERS = new Map(TYPE_NAMES.map((name, index) => [name, index + 1]))

const writeSeries = (to: ByteWriter, { days, counts }: DayCounts): void => {
  writeDays(to, days)
  for (const count of counts) to.uint(count)
}
const readSeries = (from: ByteReader, { days, counts }: DayCounts): void => {
  readDays(from, days)
  for (let index = 0; index < days.length; index += 1) counts.push(from.uint())
}
const series = (of: (state: AccountState) => DayCounts): Part => ({
  isEmpty: (state) => of(state).days.length === 0,
  write: (to, state) => writeSeries(to, of(state)),
  read: (from, state) => readSeries(from, of(state)),
})

const stamped = <T extends Stamp>(
  of: (state: AccountState) => T[],
  write: (to: ByteWriter, item: T) => void,
  read: (from: ByteReader) => Omit<T, keyof Stamp>,
): Part => ({
  isEmpty: (state) => of(state).length === 0,
  write: (to, state) => {
    to.uint(of(state).length)
    for (const item of of(state)) {
      writeStamp(to, item)
      write(to, item)
    }
  },
  read: (from, state) => {
    for (let left = from.uint(); left > 0; left -= 1) of(state).push({ ...readStamp(from), ...read(from) } as T)
  },
})

const instantsBy = (of: (state: AccountState) => Map<string, number[]>): Part => ({
  isEmpty: (state) => of(state).size === 0,
  write: (to, state) => writeMap(to, of(state), writeInstants),
  read: (from, state) => readMap(from, of(state), readInstants),
})

const counters: Part = {
  isEmpty: (state) => state.eventCount === 0,
  write: (to, state) => {
    to.uint(state.eventCount)
    writeNullable(to, state.firstEventAt, to.int)
    writeNullable(to, state.lastActivityAt, to.int)
    to.uint(state.userCount)
    to.uint(state.typeCounts.size)
    const types = [...state.typeCounts].map(([type, count]) => ({ type, count, number: TYPE_NUMBERS.get(type) ?? 0 }))
    types.sort((a, b) => a.number - b.number || compareText(a.type, b.type))
    for (const { type, count, number } of types) {
      to.uint(number)
      if (number === 0) to.text(type)
      to.uint(count)
    }
    writeDays(to, state.activeDays)
  },
  read: (from, state) => {
    state.eventCount = from.uint()
    state.firstEventAt = readNullable(from, from.int)
    state.lastActivityAt = readNullable(from, from.int)
    state.userCount = from.uint()
    for (let left = from.uint(); left > 0; left -= 1) {
      const number = from.uint()
      const type = number === 0 ? from.text() : TYPE_NAMES[number - 1]!
      state.typeCounts.set(type, from.uint())
    }
    readDays(from, state.activeDays)
  },
}

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

/** Traits that came with one event share its stamp in the bytes: it is written once, with the first of them. */
const traits: Part = {
  isEmpty: (state) => state.traitStamps.size === 0,
  write: (to, state) => {
    const stamps = new Map<string, number>()
    writeMap(to, state.traitStamps, (_, stamp, name) => {
      const key = `${stamp.at}:${stamp.id.length}:${stamp.id}${stamp.source}`
      const seen = stamps.get(key)
      to.uint(seen ?? stamps.size)
      if (seen === undefined) {
        stamps.set(key, stamps.size)
        writeStamp(to, stamp)
      }
      to.text(JSON.stringify(state.traits[name]))
    })
  },
  read: (from, state) => {
    const stamps: Stamp[] = []
    readMap(from, state.traitStamps, (_, name) => {
      const index = from.uint()
      if (index === stamps.length) stamps.push(readStamp(from))
      state.traits[name] = JSON.parse(from.text())
      return stamps[index]!
    })
  },
}

const champion: Part = {
  isEmpty: (state) => state.champion === null,
  write: (to, state) => {
    writeStamp(to, state.champion!)
    writeNullable(to, state.champion!.userId, to.text)
    to.int(state.championSeenDay)
  },
  read: (from, state) => {
    state.champion = { ...readStamp(from), userId: readNullable(from, from.text) }
    state.championSeenDay = from.int()
  },
}

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
    readMap(from, state.tickets, () => {
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
    readMap(from, state.invoices, () => {
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
    readMap(from, state.nps, () => ({ ...readStamp(from), day: from.int(), score: from.double() })),
}

const features: Part = {
  isEmpty: (state) => state.features.size === 0,
  write: (to, state) => writeMap(to, state.features, (_, day) => to.int(day)),
  read: (from, state) => readMap(from, state.features, () => from.int()),
}

const journeySteps: Part = {
  isEmpty: (state) => state.journeySteps.size === 0,
  write: (to, state) => writeMap(to, state.journeySteps, (_, steps) => writeMap(to, steps, writeInstants)),
  read: (from, state) =>
    readMap(from, state.journeySteps, () => {
      const steps = new Map<string, number[]>()
      readMap(from, steps, readInstants)
      return steps
    }),
}

const values: Part = {
  isEmpty: (state) => state.valueAt.length === 0,
  write: (to, state) => writeInstants(to, state.valueAt),
  read: (from, state) => void state.valueAt.push(...readInstants(from)),
}

const pending: Part = {
  isEmpty: (state) => state.pending.length === 0,
  write: (to, state) => to.text(JSON.stringify(state.pending.map(pendingFields))),
  read: (from, state) => void state.pending.push(...(JSON.parse(from.text()) as CountedEvent[])),
}

/** Only these fields, in this order: callers hand over events that carry more. */
const pendingFields = (event: CountedEvent): CountedEvent => {
  const { id, source, type, userId, occurredAt, receivedAt, properties } = event
  return { id, source, type, userId, occurredAt, receivedAt, properties }
}

export const PARTS: readonly Part[] = [
  counters,
  series((state) => state.coreEvents),
  series((state) => state.activeUsers),
  series((state) => state.coreUsers),
  features,
  traits,
  stamped(
    (state) => state.renewalTraits,
    (to, { renewalDay, termMonths }) => {
      dayOr.write(to, renewalDay)
      dayOr.write(to, termMonths)
    },
    (from) => ({ renewalDay: dayOr.read(from), termMonths: dayOr.read(from) }),
  ),
  stamped(
    (state) => state.lifecycle,
    (to, { deleted }) => to.uint(deleted ? 1 : 0),
    (from) => ({ deleted: from.uint() === 1 }),
  ),
  stamped(
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
  ),
  stamped(
    (state) => state.journeyStarts,
    (to, { journeyId, steps, stepCount }) => {
      to.text(journeyId)
      writeNullable(to, steps, (names) => writeNames(to, names))
      dayOr.write(to, stepCount)
    },
    (from) => ({
      journeyId: from.text(),
      steps: readNullable(from, () => readNames(from)),
      stepCount: dayOr.read(from),
    }),
  ),
  journeySteps,
  instantsBy((state) => state.journeyDone),
  instantsBy((state) => state.bypasses),
  values,
  tickets,
  invoices,
  nps,
  series((state) => state.csatAnswers),
  series((state) => state.csatSatisfied),
  newestDays,
  champion,
  planLimit,
  pending,
]
