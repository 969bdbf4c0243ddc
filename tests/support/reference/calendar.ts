const DAY_MS = 86_400_000

/**
 * Calendar arithmetic by asking Intl every time: slow and plain. Days are numbers since 1970-01-01
 * of the local date.
 */
export type Calendar = {
  readonly dayOf: (at: number) => number
  readonly startOfDay: (day: number) => number
  readonly plusDays: (at: number, days: number) => number
}

const formatters = new Map<string, Intl.DateTimeFormat>()

const formatterOf = (timeZone: string): Intl.DateTimeFormat => {
  const known = formatters.get(timeZone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  formatters.set(timeZone, made)
  return made
}

/** The wall time shown at an instant, written as if it were UTC. */
const wallAt = (timeZone: string, at: number): number => {
  const parts = new Map(
    formatterOf(timeZone)
      .formatToParts(at)
      .map((part) => [part.type, Number(part.value)]),
  )
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name)!
  const seconds = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
  return seconds + (((at % 1000) + 1000) % 1000)
}

/**
 * Temporal's `compatible`: the earlier of two instants that show the wall time; in a gap, as far
 * after it as it is into the gap.
 */
const instantOf = (timeZone: string, wall: number): number => {
  const offsetAt = (at: number): number => wallAt(timeZone, at) - at
  const byOffsetBefore = wall - offsetAt(wall - DAY_MS)
  const byOffsetAfter = wall - offsetAt(wall + DAY_MS)
  const showing = [byOffsetBefore, byOffsetAfter].filter((at) => wallAt(timeZone, at) === wall)
  return showing.length > 0 ? Math.min(...showing) : byOffsetBefore
}

export const createCalendar = (timeZone: string): Calendar => {
  const days = new Map<number, number>()
  const dayOf = (at: number): number => {
    const known = days.get(at)
    if (known !== undefined) return known
    const day = Math.floor(wallAt(timeZone, at) / DAY_MS)
    days.set(at, day)
    return day
  }
  return {
    dayOf,
    startOfDay: (day) => instantOf(timeZone, day * DAY_MS),
    plusDays: (at, count) => instantOf(timeZone, wallAt(timeZone, at) + count * DAY_MS),
  }
}

/** A date, or the local day of an instant; null for any other text. */
export const dayOfText = (text: string, calendar: Calendar): number | null => {
  const date = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)
  if (date) {
    const at = Date.UTC(Number(date[1]), Number(date[2]) - 1, Number(date[3]))
    return new Date(at).toISOString().startsWith(text) ? at / DAY_MS : null
  }
  const instant = /^(\d{4}-\d{2}-\d{2})[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/.exec(text)
  if (!instant || dayOfText(instant[1]!, calendar) === null) return null
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : calendar.dayOf(at)
}

/** Years nobody means (past 200,000): a term that leads there moves nothing. */
const LAST_DAY = 72_000_000

/** The same day of a later month, the month's last day when it has no such day. */
export const plusMonths = (day: number, months: number): number => {
  const from = new Date(day * DAY_MS)
  const lastOfMonth = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + months + 1, 0))
  const inMonth = Math.min(from.getUTCDate(), lastOfMonth.getUTCDate())
  const moved = Date.UTC(lastOfMonth.getUTCFullYear(), lastOfMonth.getUTCMonth(), inMonth) / DAY_MS
  return moved <= LAST_DAY ? moved : day
}
