import { parseInstant } from './instant.ts'
import { textOf } from './properties.ts'
import type { Zone } from './zone.ts'

const DAY_MS = 86_400_000
const DATE = /^\d{4}-\d\d-\d\d$/

/** The day of a date, or the local day of an RFC 3339 instant; null for anything else. */
export const parseDay = (value: unknown, zone: Zone): number | null => {
  const text = textOf(value)
  if (text === null) return null
  if (DATE.test(text)) {
    const at = parseInstant(`${text}T00:00:00.000Z`)
    return Number.isNaN(at) ? null : at / DAY_MS
  }
  const at = parseInstant(text)
  return Number.isNaN(at) ? null : zone.dayOf(at)
}

/** The same day of the month `months` later; the last of that month where it is shorter. */
export const addMonths = (day: number, months: number): number => {
  const date = new Date(day * DAY_MS)
  const month = date.getUTCFullYear() * 12 + date.getUTCMonth() + months
  const year = Math.floor(month / 12)
  const lastOfMonth = new Date(Date.UTC(year, (month % 12) + 1, 0)).getUTCDate()
  return Date.UTC(year, month % 12, Math.min(date.getUTCDate(), lastOfMonth)) / DAY_MS
}
