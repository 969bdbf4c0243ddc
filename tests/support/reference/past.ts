import type { Calendar } from './calendar.ts'
import { ACTIVITY_TYPES, BYPASS, OTHER_TYPES, type ReferenceModel } from './reference-model.ts'

export type ReferenceEvent = {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly userId: string | null
  readonly occurredAt: number
  readonly properties: Readonly<Record<string, unknown>>
}

/** All that had happened by an instant, in order. */
export type Past = {
  readonly events: readonly ReferenceEvent[]
  readonly at: number
  readonly today: number
  readonly calendar: Calendar
  readonly model: ReferenceModel
}

export const byCodePoints = (a: string, b: string): number => {
  const left = [...a].map((character) => character.codePointAt(0)!)
  const right = [...b].map((character) => character.codePointAt(0)!)
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    if (left[at] !== right[at]) return left[at]! - right[at]!
  }
  return left.length - right.length
}

/** Each (source, id) once, the first of the list; then by instant, id, source. */
export const inOrder = (events: readonly ReferenceEvent[]): readonly ReferenceEvent[] => {
  const first = events.filter(
    (event, index) => events.findIndex((other) => other.id === event.id && other.source === event.source) === index,
  )
  return first.sort(
    (a, b) => a.occurredAt - b.occurredAt || byCodePoints(a.id, b.id) || byCodePoints(a.source, b.source),
  )
}

export const pastAt = (
  ordered: readonly ReferenceEvent[],
  at: number,
  { calendar, model }: Pick<Past, 'calendar' | 'model'>,
): Past => ({
  events: ordered.filter((event) => event.occurredAt <= at),
  at,
  today: calendar.dayOf(at),
  calendar,
  model,
})

export const ofType = (past: Past, ...types: string[]): readonly ReferenceEvent[] =>
  past.events.filter((event) => types.includes(event.type))

export const latest = <T>(list: readonly T[]): T | null => list.at(-1) ?? null

export const daysSince = (past: Past, event: ReferenceEvent): number =>
  past.today - past.calendar.dayOf(event.occurredAt)

/** Events of the last `days` calendar days, today included; `skip` leaves out the newest days. */
export const within = (
  past: Past,
  events: readonly ReferenceEvent[],
  days: number,
  skip = 0,
): readonly ReferenceEvent[] =>
  events.filter((event) => daysSince(past, event) >= skip && daysSince(past, event) < days + skip)

// A property that is null, empty or of the wrong type counts as absent.
export const text = (event: ReferenceEvent, name: string): string | null => {
  const value = event.properties[name]
  return typeof value === 'string' && value !== '' ? value : null
}
export const number = (event: ReferenceEvent, name: string): number | null => {
  const value = event.properties[name]
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}
export const flag = (event: ReferenceEvent, name: string): boolean | null => {
  const value = event.properties[name]
  return typeof value === 'boolean' ? value : null
}
export const above0 = (event: ReferenceEvent, name: string): number | null => {
  const value = number(event, name)
  return value !== null && value > 0 ? value : null
}
/** Whole and 1 or more, fractions cut. */
export const count = (event: ReferenceEvent, name: string): number | null => {
  const value = Math.floor(number(event, name) ?? 0)
  return value >= 1 ? value : null
}
export const names = (event: ReferenceEvent, name: string): readonly string[] | null => {
  const value = event.properties[name]
  if (!Array.isArray(value)) return null
  const kept = [...new Set(value.filter((member): member is string => typeof member === 'string' && member !== ''))]
  return kept.length > 0 ? kept : null
}

/** What the latest event that bears a value says. */
export const latestOf = <T>(events: readonly ReferenceEvent[], read: (event: ReferenceEvent) => T | null): T | null =>
  latest(events.map(read).filter((value) => value !== null))

export const trait = <T>(past: Past, read: (event: ReferenceEvent) => T | null): T | null =>
  latestOf(ofType(past, 'identify', 'group'), read)

/** A bypass is no first event. */
export const firstEvent = (past: Past): ReferenceEvent | null =>
  past.events.find((event) => event.type !== BYPASS) ?? null

const isCustom = (type: string): boolean => !ACTIVITY_TYPES.includes(type) && !OTHER_TYPES.includes(type)

const mapped = (past: Past, type: string): string | null | undefined =>
  isCustom(type) && Object.hasOwn(past.model.features, type) ? past.model.features[type] : undefined

export const activity = (past: Past): readonly ReferenceEvent[] =>
  past.events.filter(({ type }) => ACTIVITY_TYPES.includes(type) || (isCustom(type) && mapped(past, type) !== null))

const featureOf = (past: Past, event: ReferenceEvent): string | null =>
  event.type === 'Feature Used' ? text(event, 'feature') : (mapped(past, event.type) ?? null)

export const coreEvents = (past: Past): readonly ReferenceEvent[] =>
  past.events.filter((event) => {
    const named = past.model.coreFeatures.includes(featureOf(past, event) ?? '')
    return named || (event.type === 'Feature Used' && flag(event, 'core') === true)
  })

export const featuresOf = (past: Past, events: readonly ReferenceEvent[]): readonly string[] => [
  ...new Set(events.map((event) => featureOf(past, event)).filter((feature) => feature !== null)),
]

export const usersOf = (events: readonly ReferenceEvent[]): readonly string[] => [
  ...new Set(events.map((event) => event.userId).filter((userId) => userId !== null)),
]
