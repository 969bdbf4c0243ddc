/** Calendar of one time zone. Days are numbers: days since 1970-01-01 of the local date. */
export type Zone = {
  readonly name: string
  /** The local calendar day that holds the instant. */
  readonly dayOf: (atMs: number) => number
  /** The instant at which a local day begins (DST gaps and doubles resolve as Temporal's `compatible`). */
  readonly startOfDay: (day: number) => number
  /** Same local wall time `days` later, resolved as Temporal's `compatible`. */
  readonly plusDays: (atMs: number, days: number) => number
}

const DAY_MS = 86_400_000
/** Entries kept by the two caches; a cache that is full starts again. */
const CACHED_DAYS = 4_096

/** `2026-11-22` of a day number. */
export const dateOfDay = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10)

/** Offsets of one UTC day: `before` up to `changeAt`, `after` from it on. No zone changes twice within a day. */
type Offsets = { readonly changeAt: number; readonly before: number; readonly after: number }

const utc: Zone = {
  name: 'UTC',
  dayOf: (atMs) => Math.floor(atMs / DAY_MS),
  startOfDay: (day) => day * DAY_MS,
  plusDays: (atMs, days) => atMs + days * DAY_MS,
}

/** Milliseconds by which local time is ahead of UTC, asked of Intl: slow, hence the cache above it. */
const createOffsetReader = (timeZone: string): ((atMs: number) => number) => {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  return (atMs) => {
    const second = Math.floor(atMs / 1000) * 1000
    const part: Record<string, string> = {}
    for (const { type, value } of format.formatToParts(second)) part[type] = value
    const year = part.era === 'BC' ? 1 - Number(part.year) : Number(part.year)
    const local = new Date(0)
    local.setUTCFullYear(year, Number(part.month) - 1, Number(part.day))
    local.setUTCHours(Number(part.hour), Number(part.minute), Number(part.second))
    return local.getTime() - second
  }
}

const findOffsets = (readOffset: (atMs: number) => number, utcDay: number): Offsets => {
  let low = utcDay * DAY_MS
  let high = low + DAY_MS
  const before = readOffset(low)
  const after = readOffset(high)
  if (before === after) return { changeAt: high, before, after }
  while (high - low > 1000) {
    const middle = low + Math.floor((high - low) / 2000) * 1000
    if (readOffset(middle) === before) low = middle
    else high = middle
  }
  return { changeAt: high, before, after }
}

/** Throws a RangeError for a name that is no IANA time zone. `dayOf` is called for every event: it asks Intl once per day, not per event. */
export const createZone = (timeZone: string): Zone => {
  if (timeZone === 'UTC') return utc
  const readOffset = createOffsetReader(timeZone)
  const offsetsByDay = new Map<number, Offsets>()
  const startByDay = new Map<number, number>()
  let lastDay = Number.NaN
  let last: Offsets = { changeAt: 0, before: 0, after: 0 }

  const offsetAt = (atMs: number): number => {
    const utcDay = Math.floor(atMs / DAY_MS)
    if (utcDay !== lastDay) {
      let offsets = offsetsByDay.get(utcDay)
      if (offsets === undefined) {
        offsets = findOffsets(readOffset, utcDay)
        if (offsetsByDay.size >= CACHED_DAYS) offsetsByDay.clear()
        offsetsByDay.set(utcDay, offsets)
      }
      last = offsets
      lastDay = utcDay
    }
    return atMs < last.changeAt ? last.before : last.after
  }

  /** A wall time that occurs twice is the earlier one; one that is skipped moves forward by the length of the gap. */
  const instantOf = (localMs: number): number => {
    const before = offsetAt(localMs - DAY_MS)
    const after = offsetAt(localMs + DAY_MS)
    const first = localMs - before
    if (before === after || first + offsetAt(first) === localMs) return first
    const second = localMs - after
    return second + offsetAt(second) === localMs ? second : first
  }

  const startOfDay = (day: number): number => {
    let start = startByDay.get(day)
    if (start === undefined) {
      start = instantOf(day * DAY_MS)
      if (startByDay.size >= CACHED_DAYS) startByDay.clear()
      startByDay.set(day, start)
    }
    return start
  }

  return {
    name: timeZone,
    dayOf: (atMs) => Math.floor((atMs + offsetAt(atMs)) / DAY_MS),
    startOfDay,
    plusDays: (atMs, days) => instantOf(atMs + offsetAt(atMs) + days * DAY_MS),
  }
}
