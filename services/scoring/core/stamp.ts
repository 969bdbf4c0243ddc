/** What "the latest" goes by: instant, then id by code points, then source. Distinct events never compare equal. */
export type Stamp = { readonly at: number; readonly id: string; readonly source: string }

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

export const compareStamps = (a: Stamp, b: Stamp): number =>
  a.at - b.at || compareText(a.id, b.id) || compareText(a.source, b.source)

export const stampOf = (event: { occurredAt: number; id: string; source: string }): Stamp => ({
  at: event.occurredAt,
  id: event.id,
  source: event.source,
})

/** Puts an item into a list kept in the order of its stamps; nearly always at the end. */
export const insertByStamp = <T extends Stamp>(list: T[], item: T): void => {
  let index = list.length
  while (index > 0 && compareStamps(list[index - 1]!, item) > 0) index -= 1
  list.splice(index, 0, item)
}

/** Puts an instant into an ascending list without repetition. */
export const insertInstant = (list: number[], at: number): void => {
  let index = list.length
  while (index > 0 && list[index - 1]! > at) index -= 1
  if (list[index - 1] !== at) list.splice(index, 0, at)
}
