import type { EventOrder } from '../events/event-order.ts'
import { own } from '../state/state.ts'
import { ordered, type StateSection } from './state-section.ts'
import {
  dayOr,
  readEventOrder,
  readInstants,
  readMap,
  readNames,
  readNullable,
  writeEventOrder,
  writeInstants,
  writeMap,
  writeNames,
  writeNullable,
} from './state-values.ts'

const instantsBy = (name: 'journeyDone' | 'bypasses'): StateSection => ({
  isEmpty: (state) => state[name].size === 0,
  write: (to, state) => writeMap(to, state[name], writeInstants),
  read: (from, state) => readMap(from, own(state, name), readInstants),
})

/** Traits of one event share its event order: the bytes hold it once, before the first of them. */
const traits: StateSection = {
  isEmpty: (state) => state.traitOrders.size === 0,
  write: (to, state) => {
    const orders = new Map<string, number>()
    writeMap(to, state.traitOrders, (_, order, name) => {
      const key = `${order.at}:${order.id.length}:${order.id}${order.source}`
      const seen = orders.get(key)
      to.uint(seen ?? orders.size)
      if (seen === undefined) {
        orders.set(key, orders.size)
        writeEventOrder(to, order)
      }
      to.text(JSON.stringify(state.traits[name]))
    })
  },
  read: (from, state) => {
    const orders: EventOrder[] = []
    readMap(from, own(state, 'traitOrders'), (_, name) => {
      const index = from.uint()
      if (index === orders.length) orders.push(readEventOrder(from))
      state.traits[name] = JSON.parse(from.text())
      return orders[index]!
    })
  },
}

const renewalTraits: StateSection = ordered(
  (state) => state.renewalTraits,
  (to, { renewalDay, termMonths }) => {
    dayOr.write(to, renewalDay)
    dayOr.write(to, termMonths)
  },
  (from) => ({ renewalDay: dayOr.read(from), termMonths: dayOr.read(from) }),
)

const lifecycle: StateSection = ordered(
  (state) => state.lifecycle,
  (to, { deleted }) => to.uint(deleted ? 1 : 0),
  (from) => ({ deleted: from.uint() === 1 }),
)

const journeyStarts: StateSection = ordered(
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
)

const journeySteps: StateSection = {
  isEmpty: (state) => state.journeySteps.size === 0,
  write: (to, state) => writeMap(to, state.journeySteps, (_, steps) => writeMap(to, steps, writeInstants)),
  read: (from, state) =>
    readMap(from, own(state, 'journeySteps'), () => {
      const steps = new Map<string, number[]>()
      readMap(from, steps, readInstants)
      return steps
    }),
}

const values: StateSection = {
  isEmpty: (state) => state.valueAt.length === 0,
  write: (to, state) => writeInstants(to, state.valueAt),
  read: (from, state) => void state.valueAt.push(...readInstants(from)),
}

/** Sections on who the account is and where it stands in its journey. */
export const JOURNEY_SECTIONS: readonly StateSection[] = [
  traits,
  renewalTraits,
  lifecycle,
  journeyStarts,
  journeySteps,
  instantsBy('journeyDone'),
  instantsBy('bypasses'),
  values,
]
