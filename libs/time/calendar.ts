import { DAY_MS } from '../runtime/durations.ts'
import { parseInstant } from './instant.ts'
import type { Zone } from './time-zone.ts'

const DATE = /^\d{4}-\d\d-\d\d$/

/** The day of a date, or the local day of an RFC 3339 instant; null for anything else. */
export const parseDay = (value: unknown, zone: Zone): number | null => {
  if (typeof value !== 'string') return null
  if (DATE.test(value)) {
    const at = parseInstant(`${value}T00:00:00.000Z`)
    return Number.isNaN(at) ? null : at / DAY_MS
  }
  const at = parseInstant(value)
  return Number.isNaN(at) ? null : zone.dayOf(at)
}

/** The number of an instant's calendar month, UTC. */
export const monthOf = (at: number): number => {
  const date = new Date(at)
  return date.getUTCFullYear() * 12 + date.getUTCMonth()
}

/** No later day (the year 200,000) is counted on: a term that leads there leaves the date alone. */
const LAST_DAY = 72_000_000

/** The same day of the month `months` later; the last of that month where it is shorter. */
export const addMonths = (day: number, months: number): number => {
  const date = new Date(day * DAY_MS)
  const month = date.getUTCFullYear() * 12 + date.getUTCMonth() + months
  const year = Math.floor(month / 12)
  const endOfMonth = new Date(0)
  endOfMonth.setUTCFullYear(year, month - year * 12 + 1, 0)
  const lastOfMonth = endOfMonth.getUTCDate()
  const later = new Date(0)
  later.setUTCFullYear(year, month - year * 12, Math.min(date.getUTCDate(), lastOfMonth))
  const moved = later.getTime() / DAY_MS
  return moved <= LAST_DAY ? moved : day
}
