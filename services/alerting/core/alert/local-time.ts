const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** Wall time of a zone: the local day as days since 1970-01-01, and the minute of that day. */
export type LocalTime = {
  readonly at: (instant: number) => { readonly day: number; readonly minute: number; readonly weekday: Weekday }
  /** The instant of a wall time. One that is skipped moves forward, of one that occurs twice it is the first. */
  readonly instantOf: (day: number, minute: number) => number
}

/** As `1970-01-01` was a Thursday, in the order of day numbers. */
const WEEKDAYS = ['thu', 'fri', 'sat', 'sun', 'mon', 'tue', 'wed'] as const
export type Weekday = (typeof WEEKDAYS)[number]

export const isTimeZone = (name: string): boolean => {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}

const known = new Map<string, LocalTime>()
const MOST_KNOWN = 1_000

/** Of an IANA time zone. */
export const localTime = (timeZone: string): LocalTime => {
  const found = known.get(timeZone) ?? createLocalTime(timeZone)
  if (known.size >= MOST_KNOWN) known.clear()
  known.set(timeZone, found)
  return found
}

const createLocalTime = (timeZone: string): LocalTime => {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  /** Wall time as if it were UTC. */
  const wallOf = (instant: number): number => {
    const part: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(instant)) part[type] = Number(value)
    return Date.UTC(part.year!, part.month! - 1, part.day!, part.hour!, part.minute!, part.second!)
  }
  const offsetAt = (instant: number): number => wallOf(instant) - Math.floor(instant / 1000) * 1000
  return {
    at: (instant) => {
      const wall = instant + offsetAt(instant)
      const day = Math.floor(wall / DAY_MS)
      return { day, minute: Math.floor((wall - day * DAY_MS) / MINUTE_MS), weekday: WEEKDAYS[((day % 7) + 7) % 7]! }
    },
    instantOf: (day, minute) => {
      const wall = day * DAY_MS + minute * MINUTE_MS
      const [before, after] = [offsetAt(wall - DAY_MS), offsetAt(wall + DAY_MS)]
      const fits = [before, after]
        .map((offset) => wall - offset)
        .find((instant) => instant + offsetAt(instant) === wall)
      return fits ?? wall - before
    },
  }
}
