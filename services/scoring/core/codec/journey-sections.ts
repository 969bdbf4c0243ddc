import type { Stamp } from '../events/event-order.ts'
import { own } from '../state/state.ts'
import { type Part, stamped } from './state-section.ts'
import {
  dayOr,
  readInstants,
  readMap,
  readNames,
  readNullable,
  readStamp,
  writeInstants,
  writeMap,
  writeNames,
  writeNullable,
  writeStamp,
} from './state-values.ts'

const instantsBy = (name: 'journeyDone' | 'bypasses'): Part => ({
  isEmpty: (state) => state[name].size === 0,
  write: (to, state) => writeMap(to, state[name], writeInstants),
  read: (from, state) => readMap(from, own(state, name), readInstants),
})

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
    readMap(from, own(state, 'traitStamps'), (_, name) => {
      const index = from.uint()
      if (index === stamps.length) stamps.push(readStamp(from))
      state.traits[name] = JSON.parse(from.text())
      return stamps[index]!
    })
  },
}

const renewalTraits: Part = stamped(
  (state) => state.renewalTraits,
  (to, { renewalDay, termMonths }) => {
    dayOr.write(to, renewalDay)
    dayOr.write(to, termMonths)
  },
  (from) => ({ renewalDay: dayOr.read(from), termMonths: dayOr.read(from) }),
)

const lifecycle: Part = stamped(
  (state) => state.lifecycle,
  (to, { deleted }) => to.uint(deleted ? 1 : 0),
  (from) => ({ deleted: from.uint() === 1 }),
)

const journeyStarts: Part = stamped(
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

const journeySteps: Part = {
  isEmpty: (state) => state.journeySteps.size === 0,
  write: (to, state) => writeMap(to, state.journeySteps, (_, steps) => writeMap(to, steps, writeInstants)),
  read: (from, state) =>
    readMap(from, own(state, 'journeySteps'), () => {
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

/** Who the account is and where it stands in its journey. */
export const JOURNEY_PARTS: readonly Part[] = [
  traits,
  renewalTraits,
  lifecycle,
  journeyStarts,
  journeySteps,
  instantsBy('journeyDone'),
  instantsBy('bypasses'),
  values,
]
