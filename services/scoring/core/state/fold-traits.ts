import { parseDay } from '#libs/time/calendar.ts'
import type { Zone } from '#libs/time/time-zone.ts'
import type { CountedEvent } from '../events/event.ts'
import { boundKeys, compareEventOrders, type EventOrder, eventOrderOf, insertBounded } from '../events/event-order.ts'
import { KNOWN_TYPES } from '../events/event-types.ts'
import { countOf, flagOf, namesOf, numberOf, positiveOf, textOf } from '../events/properties.ts'
import type { Traits } from '../models/segment.ts'
import { insertRenewalTrait } from './renewal-traits.ts'
import { type AccountState, createState, own } from './state.ts'

/** Traits that the score reads are typed: a value of another type counts as absent. */
const TYPED: ReadonlyMap<string, (value: unknown, zone: Zone) => unknown> = new Map<
  string,
  (value: unknown, zone: Zone) => unknown
>([
  ['seats', positiveOf],
  ['mrr', numberOf],
  ['termMonths', countOf],
  ['autoRenew', flagOf],
  ['entitledFeatures', namesOf],
  ['renewalDate', (value, zone) => (parseDay(value, zone) === null ? null : value)],
  ['plan', textOf],
  ['ownerId', textOf],
  ['parentId', textOf],
  ['name', textOf],
  ['industry', textOf],
])

/** True: the history of the renewal may have changed. */
export const foldTraits = (state: AccountState, event: CountedEvent, zone: Zone): boolean => {
  const order = eventOrderOf(event)
  for (const name of Object.keys(event.properties)) {
    const given = event.properties[name]
    const read = TYPED.get(name)
    const value = read === undefined ? anyOf(given) : read(given, zone)
    if (value !== null) setTrait(state, name, value, order)
  }
  const renewalDay = parseDay(event.properties.renewalDate, zone)
  const termMonths = countOf(event.properties.termMonths)
  if (renewalDay === null && termMonths === null) return false
  return insertRenewalTrait(state.renewalTraits, { ...order, renewalDay, termMonths })
}

/** The traits that these events leave at an instant. */
export const traitsOf = (events: Iterable<CountedEvent>, zone: Zone, at: number): Traits => {
  const state = createState()
  for (const event of events) {
    if (event.occurredAt <= at && KNOWN_TYPES.get(event.type) === 'traits') foldTraits(state, event, zone)
  }
  return state.traits
}

const anyOf = (value: unknown): unknown => (value === undefined || value === '' ? null : value)

const setTrait = (state: AccountState, name: string, value: unknown, order: EventOrder): void => {
  const before = state.traitOrders.get(name)
  if (before !== undefined && compareEventOrders(before, order) > 0) return
  state.traits[name] = value
  own(state, 'traitOrders').set(name, order)
  if (before === undefined && !TYPED.has(name)) boundTraits(state)
}

/** Free traits are not read by the score; the first by name are kept. */
const MOST_FREE_TRAITS = 200
const NEWEST_LIFECYCLE = 128

const boundTraits = (state: AccountState): void => {
  if (state.traitOrders.size <= MOST_FREE_TRAITS) return
  const free = new Map([...state.traitOrders].filter(([name]) => !TYPED.has(name)))
  const dropped = boundKeys(free, MOST_FREE_TRAITS)
  if (dropped === undefined) return
  own(state, 'traitOrders').delete(dropped)
  delete state.traits[dropped]
}

export const foldLifecycle = (state: AccountState, event: CountedEvent): void => {
  insertBounded(
    state.lifecycle,
    { ...eventOrderOf(event), deleted: event.type === 'Account Deleted' },
    NEWEST_LIFECYCLE,
  )
}
