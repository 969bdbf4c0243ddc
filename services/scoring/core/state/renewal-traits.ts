import { DAY_MS } from '#libs/runtime/durations.ts'
import { compareEventOrders } from '../events/event-order.ts'
import type { RenewalTrait } from './state.ts'

const SPAN_MS = 28 * DAY_MS
/** Of every 28 UTC days, each value keeps its first 16 events and its last. */
const EARLIEST_OF_SPAN = 16

/**
 * Inserts into the ordered history that past stages are read from. Clients repeat traits with every
 * page load: the bound keeps rare values exact, in any order of arrival. False: nothing changed.
 */
export const insertRenewalTrait = (history: RenewalTrait[], event: RenewalTrait): boolean => {
  let index = history.length
  while (index > 0 && compareEventOrders(history[index - 1]!, event) > 0) index -= 1
  const before = history[index - 1]
  history.splice(index, 0, event)
  const repeats = before !== undefined && saysTheSame(before, event)
  const blurred = dropOne(history, event)
  return blurred || !repeats
}

const saysTheSame = (a: RenewalTrait, b: RenewalTrait): boolean =>
  a.renewalDay === b.renewalDay && a.termMonths === b.termMonths

/** Drops the last but one of too many equal values of a span; true: that changes the history. */
const dropOne = (history: RenewalTrait[], event: RenewalTrait): boolean => {
  if (history.length <= EARLIEST_OF_SPAN + 1) return false
  const span = Math.floor(event.at / SPAN_MS)
  const alike: number[] = []
  for (let index = history.length - 1; index >= 0; index -= 1) {
    const other = history[index]!
    if (Math.floor(other.at / SPAN_MS) < span) break
    if (Math.floor(other.at / SPAN_MS) === span && saysTheSame(other, event)) alike.push(index)
  }
  if (alike.length <= EARLIEST_OF_SPAN + 1) return false
  const dropped = alike[1]!
  const before = history[dropped - 1]
  history.splice(dropped, 1)
  return before === undefined || !saysTheSame(before, event)
}
