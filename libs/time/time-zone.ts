import { LRUCache } from 'lru-cache'
import { Temporal } from 'temporal-polyfill'
import { DAY_MS, MINUTE_MS } from '../runtime/durations.ts'

/**
 * A day is a number: days since 1970-01-01 of the local date. A wall time that clocks skip moves
 * forward by the gap; of one that occurs twice the first is meant (`compatible` in Temporal).
 */
export type Zone = {
  readonly name: string
  readonly dayOf: (atMs: number) => number
  /** The minute of that day, 0 to 1439, by the wall clock. */
  readonly minuteOf: (atMs: number) => number
  readonly startOfDay: (day: number) => number
  readonly instantOf: (day: number, minute: number) => number
  /** The same wall time `days` later. */
  readonly plusDays: (atMs: number, days: number) => number
}

/** Days whose offsets and starts a zone keeps: more than ten years. */
const CACHED_DAYS = 4_096
const CACHED_ZONES = 1_000

/** `2026-11-22` of a day number. */
export const dateOfDay = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10)

/** In the order of day numbers: 1970-01-01 was a Thursday. */
const WEEKDAYS = ['thu', 'fri', 'sat', 'sun', 'mon', 'tue', 'wed'] as const
export type Weekday = (typeof WEEKDAYS)[number]
export const weekdayOf = (day: number): Weekday => WEEKDAYS[((day % 7) + 7) % 7]!

/** Throws a RangeError for a name that is no IANA zone: `Temporal` would also take an instant. */
const checkName = (timeZone: string): unknown => new Intl.DateTimeFormat('en-US', { timeZone })

export const isTimeZone = (name: string): boolean => {
  try {
    zoneNamed(name)
    return true
  } catch {
    return false
  }
}

/** Milliseconds by which local time is ahead of UTC. */
const offsetOf = (timeZone: string, atMs: number): number =>
  Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timeZone).offsetNanoseconds / 1e6

/** Offsets of one UTC day: `after` from `changeAt` on. No zone changes twice within a day. */
type Offsets = { readonly changeAt: number; readonly before: number; readonly after: number }

/** By halves: the polyfill searches for 10 ms where a zone has no next change (2026-11-30). */
const findOffsets = (timeZone: string, utcDay: number): Offsets => {
  let low = utcDay * DAY_MS
  let high = low + DAY_MS
  const before = offsetOf(timeZone, low)
  const after = offsetOf(timeZone, high)
  if (before === after) return { changeAt: high, before, after }
  while (high - low > 1000) {
    const middle = low + Math.floor((high - low) / 2000) * 1000
    if (offsetOf(timeZone, middle) === before) low = middle
    else high = middle
  }
  return { changeAt: high, before, after }
}

const utc: Zone = {
  name: 'UTC',
  dayOf: (atMs) => Math.floor(atMs / DAY_MS),
  minuteOf: (atMs) => Math.floor((atMs - Math.floor(atMs / DAY_MS) * DAY_MS) / MINUTE_MS),
  startOfDay: (day) => day * DAY_MS,
  instantOf: (day, minute) => day * DAY_MS + minute * MINUTE_MS,
  plusDays: (atMs, days) => atMs + days * DAY_MS,
}

/**
 * By hand above `temporal-polyfill` 1.0: `dayOf` runs for every event. The polyfill reads an offset
 * in 8 us, the cache of days in a few nanoseconds (2026-11-30).
 */
export const createZone = (timeZone: string): Zone => {
  if (timeZone === 'UTC') return utc
  checkName(timeZone)
  const offsetsByDay = new LRUCache<number, Offsets>({ max: CACHED_DAYS })
  const startByDay = new LRUCache<number, number>({ max: CACHED_DAYS })
  let lastDay = 0
  let last = findOffsets(timeZone, lastDay)

  const offsetAt = (atMs: number): number => {
    const utcDay = Math.floor(atMs / DAY_MS)
    if (utcDay !== lastDay) {
      const known = offsetsByDay.get(utcDay)
      last = known ?? findOffsets(timeZone, utcDay)
      if (known === undefined) offsetsByDay.set(utcDay, last)
      lastDay = utcDay
    }
    return atMs < last.changeAt ? last.before : last.after
  }

  const instantAt = (wallMs: number): number => {
    const before = offsetAt(wallMs - DAY_MS)
    const after = offsetAt(wallMs + DAY_MS)
    const first = wallMs - before
    if (before === after || first + offsetAt(first) === wallMs) return first
    const second = wallMs - after
    return second + offsetAt(second) === wallMs ? second : first
  }

  const dayOf = (atMs: number): number => Math.floor((atMs + offsetAt(atMs)) / DAY_MS)

  return {
    name: timeZone,
    dayOf,
    minuteOf: (atMs) => Math.floor((atMs + offsetAt(atMs) - dayOf(atMs) * DAY_MS) / MINUTE_MS),
    startOfDay: (day) => {
      const known = startByDay.get(day)
      if (known !== undefined) return known
      const start = instantAt(day * DAY_MS)
      startByDay.set(day, start)
      return start
    },
    instantOf: (day, minute) => instantAt(day * DAY_MS + minute * MINUTE_MS),
    plusDays: (atMs, days) => instantAt(atMs + offsetAt(atMs) + days * DAY_MS),
  }
}

const zones = new LRUCache<string, Zone>({ max: CACHED_ZONES })

/** `createZone`, kept: for zones that tenants name. Throws a RangeError for an unknown name. */
export const zoneNamed = (timeZone: string): Zone => {
  const zone = zones.get(timeZone) ?? createZone(timeZone)
  zones.set(timeZone, zone)
  return zone
}
