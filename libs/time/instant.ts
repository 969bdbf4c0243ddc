import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../runtime/durations.ts'

const PLAIN_LENGTH = '2026-11-22T10:00:00.000Z'.length
const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?:[Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/
const MORE_DIGITS = /(\.\d{3})\d+/

let lastDate = ''
let lastDateMs = Number.NaN

/**
 * Epoch milliseconds (further digits are cut) of an RFC 3339 instant; NaN for anything else.
 * Millions a minute pass, nearly all plain and of one or two days: hence the remembered date.
 */
export const parseInstant = (text: string): number => {
  if (text.length === PLAIN_LENGTH && text.charCodeAt(10) === 84 && text.charCodeAt(23) === 90) {
    const hours = twoDigits(text, 11)
    const minutes = twoDigits(text, 14)
    const seconds = twoDigits(text, 17)
    const millis = twoDigits(text, 20) * 10 + (text.charCodeAt(22) - 48)
    const separated = text.charCodeAt(13) === 58 && text.charCodeAt(16) === 58 && text.charCodeAt(19) === 46
    const lastDigit = text.charCodeAt(22)
    if (separated && hours < 24 && minutes < 60 && seconds < 60 && millis >= 0 && lastDigit >= 48 && lastDigit <= 57) {
      return startOfDate(text.slice(0, 10)) + hours * HOUR_MS + minutes * MINUTE_MS + seconds * SECOND_MS + millis
    }
    return Number.NaN
  }
  const parts = RFC_3339.exec(text)
  if (!parts || Number.isNaN(startOfDate(text.slice(0, 10)))) return Number.NaN
  if (Number(parts[4]) > 23 || Number(parts[5]) > 59 || Number(parts[6] ?? 0) > 59) return Number.NaN
  // Date.parse itself misreads a fraction of ten digits or more that begins with zeros.
  return Date.parse(text.replace(MORE_DIGITS, '$1').toUpperCase())
}

/** NaN unless both are digits. */
const twoDigits = (text: string, at: number): number => {
  const tens = text.charCodeAt(at) - 48
  const ones = text.charCodeAt(at + 1) - 48
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN
}

const startOfDate = (date: string): number => {
  if (date === lastDate) return lastDateMs
  if (!/^\d{4}-\d\d-\d\d$/.test(date)) return Number.NaN
  const ms = Date.parse(`${date}T00:00:00.000Z`)
  lastDate = date
  // Date.parse takes the 30th of February for the 2nd of March.
  lastDateMs = Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== date ? Number.NaN : ms
  return lastDateMs
}
