import type { CountedEvent } from '../events/event.ts'
import { compareText } from '../events/event-order.ts'
import { KNOWN_TYPES } from '../events/event-types.ts'
import type { DayCounts } from '../state/day-counts.ts'
import { type AccountState, own } from '../state/state.ts'
import type { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import type { StateSection } from './state-section.ts'
import {
  readDays,
  readEventOrder,
  readMap,
  readNullable,
  writeDays,
  writeEventOrder,
  writeMap,
  writeNullable,
} from './state-values.ts'

const TYPE_NAMES = [...KNOWN_TYPES.keys()]
const TYPE_NUMBERS = new Map(TYPE_NAMES.map((name, index) => [name, index + 1]))

const writeSeries = (to: ByteWriter, { days, counts }: DayCounts): void => {
  writeDays(to, days)
  for (const count of counts) to.uint(count)
}
const readSeries = (from: ByteReader, series: DayCounts): void => {
  series.days = []
  readDays(from, series.days)
  series.counts = series.days.map(() => from.uint())
}

export const series = (of: (state: AccountState) => DayCounts): StateSection => ({
  isEmpty: (state) => of(state).days.length === 0,
  write: (to, state) => writeSeries(to, of(state)),
  read: (from, state) => readSeries(from, of(state)),
})

const counters: StateSection = {
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

const champion: StateSection = {
  isEmpty: (state) => state.champion === null,
  write: (to, state) => {
    writeEventOrder(to, state.champion!)
    writeNullable(to, state.champion!.userId, to.text)
    to.int(state.championSeenDay)
  },
  read: (from, state) => {
    state.champion = { ...readEventOrder(from), userId: readNullable(from, from.text) }
    state.championSeenDay = from.int()
  },
}

const features: StateSection = {
  isEmpty: (state) => state.features.size === 0,
  write: (to, state) => writeMap(to, state.features, (_, day) => to.int(day)),
  read: (from, state) => readMap(from, own(state, 'features'), () => from.int()),
}

const pending: StateSection = {
  isEmpty: (state) => state.pending.length === 0,
  write: (to, state) => to.text(JSON.stringify(state.pending.map(pendingFields))),
  read: (from, state) => void state.pending.push(...(JSON.parse(from.text()) as CountedEvent[])),
}

/** Only these fields, in this order: the events of callers carry more. */
const pendingFields = (event: CountedEvent): CountedEvent => {
  const { id, source, type, userId, occurredAt, receivedAt, properties } = event
  return { id, source, type, userId, occurredAt, receivedAt, properties }
}

/** Sections that nearly every event changes. */
export const USAGE_SECTIONS: readonly StateSection[] = [
  counters,
  series((state) => state.coreEvents),
  series((state) => state.activeUsers),
  series((state) => state.coreUsers),
  features,
  champion,
  pending,
]
