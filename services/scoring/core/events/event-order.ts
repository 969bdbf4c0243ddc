import { DAY_MS } from '#libs/runtime/durations.ts'
/** Order of "the latest": instant, id by code points, source. Distinct events always differ. */
export type EventOrder = { readonly at: number; readonly id: string; readonly source: string }

/** Code points, not the UTF-16 units of `<`: they differ where surrogates meet U+E000..U+FFFF. */
export const compareText = (a: string, b: string): number => {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index += 1) {
    const x = a.charCodeAt(index)
    const y = b.charCodeAt(index)
    if (x !== y) {
      const xHigh = x >= 0xd800 && x <= 0xdfff
      const yHigh = y >= 0xd800 && y <= 0xdfff
      return xHigh === yHigh ? x - y : xHigh ? 1 : -1
    }
  }
  return a.length - b.length
}

export const compareEventOrders = (a: EventOrder, b: EventOrder): number =>
  a.at - b.at || compareText(a.id, b.id) || compareText(a.source, b.source)

export const eventOrderOf = (event: { occurredAt: number; id: string; source: string }): EventOrder => ({
  at: event.occurredAt,
  id: event.id,
  source: event.source,
})

/** Inserts into a list in event order; nearly always at the end. */
export const insertInOrder = <T extends EventOrder>(list: T[], item: T): void => {
  let index = list.length
  while (index > 0 && compareEventOrders(list[index - 1]!, item) > 0) index -= 1
  list.splice(index, 0, item)
}

const EARLIEST_OF_DAY = 16

/**
 * Inserts into an ascending list without repetition. Each UTC day keeps its 16 earliest instants
 * and its last: rare events stay exact, frequent ones bounded, in any order of arrival.
 */
export const insertInstant = (list: number[], at: number): void => {
  let index = list.length
  while (index > 0 && list[index - 1]! > at) index -= 1
  if (list[index - 1] === at) return
  list.splice(index, 0, at)
  if (list.length <= EARLIEST_OF_DAY + 1) return
  const day = Math.floor(at / DAY_MS)
  let first = index
  while (first > 0 && Math.floor(list[first - 1]! / DAY_MS) === day) first -= 1
  let end = index + 1
  while (end < list.length && Math.floor(list[end]! / DAY_MS) === day) end += 1
  if (end - first > EARLIEST_OF_DAY + 1) list.splice(first + EARLIEST_OF_DAY, 1)
}

/** As `insertInOrder`, for lists of their first item and the newest ones only. */
export const insertBounded = <T extends EventOrder>(list: T[], item: T, newest: number): void => {
  insertInOrder(list, item)
  if (list.length > newest + 1) list.splice(1, 1)
}

/** Drops the greatest key above the bound: order of arrival does not matter. */
export const boundKeys = (map: Map<string, unknown>, most: number): string | undefined => {
  if (map.size <= most) return undefined
  let greatest = ''
  for (const key of map.keys()) if (compareText(key, greatest) > 0) greatest = key
  map.delete(greatest)
  return greatest
}
