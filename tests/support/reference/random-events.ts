import fc from 'fast-check'
import { createCalendar, dayOfText } from './calendar.ts'
import type { ReferenceEvent } from './past.ts'
import { type Scene, SPAN_DAYS } from './random-scenes.ts'
import { stories } from './random-stories.ts'
import type { ReferenceModel } from './reference-model.ts'

const DAY_MS = 86_400_000

/** One account of a tenant, and the instant it is looked at. */
export type RandomAccount = {
  readonly timeZone: string
  readonly model: ReferenceModel
  /** In the order of acceptance; may hold repetitions and conflicting events of one id. */
  readonly events: readonly ReferenceEvent[]
  readonly at: number
  readonly lastSeen: ReadonlyMap<string, number>
}

/** Zones with the date of a change of their clocks: at midnight, by half an hour, or never. */
const zones = fc.constantFrom<readonly [timeZone: string, change: string]>(
  ['UTC', '2024-02-29'],
  ['UTC', '2026-01-31'],
  ['America/Sao_Paulo', '2018-11-04'],
  ['America/Sao_Paulo', '2019-02-17'],
  ['America/Sao_Paulo', '2026-03-31'],
  ['Pacific/Auckland', '2026-04-05'],
  ['Pacific/Auckland', '2026-09-27'],
  ['Europe/Berlin', '2026-03-29'],
  ['America/Havana', '2026-03-08'],
  ['America/Havana', '2026-11-01'],
  ['Africa/Cairo', '2026-04-24'],
  ['Africa/Cairo', '2026-10-30'],
  ['Australia/Lord_Howe', '2026-04-05'],
  ['Asia/Kathmandu', '2026-01-31'],
)

const modelOf: fc.Arbitrary<ReferenceModel> = fc.record({
  coreFeatures: fc.subarray(['reports', 'export', 'api', 'unused']),
  features: fc.constantFrom<ReferenceModel['features']>(
    {},
    { 'Report Exported': 'reports', Ping: null, 'Widget Moved': 'widgets' },
  ),
  connected: fc.oneof(
    fc.constant([]),
    fc.subarray(['usage', 'adoption', 'support', 'commercial', 'sentiment', 'relationship']),
  ),
  sources: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    {
      weight: 1,
      arbitrary: fc.constant([
        { source: 'crm', groups: ['usage', 'support'], expectedIntervalHours: 24 },
        { source: 'survey', groups: ['sentiment', 'support'], expectedIntervalHours: 100 },
      ]),
    },
  ),
  requiredSteps: fc.oneof(fc.constant([]), fc.constant(['connect', 'invite', 'publish'])),
  onboardingTargetDays: fc.constantFrom(90, 90, 30),
  firstValueTypes: fc.constantFrom([], [], ['Report Exported']),
})

/** Ids whose order by code points is not that of UTF-16 units, and not that of arrival. */
const idPrefix = fc.constantFrom('a', 'Z', 'é', '\uffee', '😀', '')
const ids = (count: number): fc.Arbitrary<readonly { readonly prefix: string; readonly source: string }[]> =>
  fc.array(fc.record({ prefix: idPrefix, source: fc.constantFrom('app', 'app', 'crm') }), {
    minLength: count,
    maxLength: count,
  })

const named = (startAt: number, scenes: readonly Scene[]): fc.Arbitrary<readonly ReferenceEvent[]> =>
  ids(scenes.length).chain((labels) => {
    const events = scenes.map(({ type, offsetMs, userId, properties }, index) => ({
      id: `${labels[index]!.prefix}${index}`,
      source: labels[index]!.source,
      type,
      userId,
      occurredAt: startAt + offsetMs,
      properties,
    }))
    // Repetitions, another source's event with the same id, and a conflicting one, all after the
    // first.
    const again = fc.array(
      fc.tuple(
        fc.nat({ max: Math.max(0, events.length - 1) }),
        fc.constantFrom('same', 'other source', 'conflict'),
        fc.constantFrom('aa', 'mirror'),
      ),
      { maxLength: 4 },
    )
    return again.map((repeats) => [
      ...events,
      ...repeats.flatMap(([index, kind, mirror]) => {
        const event = events[index]
        if (!event) return []
        if (kind === 'same') return [event]
        if (kind === 'other source') {
          const { type, properties, userId } = events[(index + 1) % events.length]!
          return [{ ...event, source: mirror, type, properties, userId }]
        }
        return [{ ...event, type: 'Account Deleted', occurredAt: event.occurredAt - 1000 }]
      }),
    ])
  })

/** Days at which, or after which, something changes in the model. */
const limitDays = fc.constantFrom(7, 8, 14, 15, 21, 28, 29, 30, 31, 42, 60, 61, 89, 90, 91, 180)

/** Instants at which something is about to happen, or has just happened. */
const viewInstant = (events: readonly ReferenceEvent[], startAt: number, timeZone: string): fc.Arbitrary<number> => {
  const calendar = createCalendar(timeZone)
  const { dayOf, startOfDay } = calendar
  const someDay = fc.integer({ min: 0, max: SPAN_DAYS + 200 })
  const anyEvent = fc.nat({ max: Math.max(0, events.length - 1) }).map((index) => events[index]?.occurredAt ?? startAt)
  const dates = events
    .map(({ properties }) => dayOfText(String(properties.renewalDate), calendar))
    .filter((day) => day !== null)
  const anyDate = fc.nat({ max: Math.max(0, dates.length - 1) }).map((index) => dates[index] ?? dayOf(startAt) + 100)
  return fc.oneof(
    someDay.chain((day) => fc.integer({ min: 0, max: DAY_MS }).map((ms) => startAt + day * DAY_MS + ms)),
    someDay.map((day) => startOfDay(dayOf(startAt) + day)),
    someDay.map((day) => startOfDay(dayOf(startAt) + day) - 1),
    anyEvent,
    anyEvent.map((at) => at - 1),
    fc.tuple(anyEvent, fc.integer({ min: 0, max: 95 })).map(([at, days]) => at + days * DAY_MS),
    fc.constant(startAt + (SPAN_DAYS + 1) * DAY_MS),
    fc.tuple(anyEvent, limitDays).map(([at, days]) => startOfDay(dayOf(at) + days)),
    fc.tuple(anyEvent, limitDays).map(([at, days]) => at + days * DAY_MS),
    fc.tuple(anyDate, limitDays).map(([day, days]) => startOfDay(day - days) + 1),
  )
}

export const randomAccount = (): fc.Arbitrary<RandomAccount> =>
  fc
    .tuple(zones, fc.oneof(fc.constantFrom(100, 190), fc.integer({ min: 0, max: SPAN_DAYS })), modelOf)
    .chain(([[timeZone, change], daysBefore, model]) => {
      const startAt = Date.parse(change) - daysBefore * DAY_MS
      return stories(startAt)
        .chain((scenes) => named(startAt, scenes))
        .chain((events) =>
          fc.record({
            timeZone: fc.constant(timeZone),
            model: fc.constant(model),
            events: fc.constant(events),
            at: viewInstant(events, startAt, timeZone),
            lastSeen: fc.dictionary(fc.constantFrom('crm', 'survey'), fc.integer({ min: 0, max: 250 })),
          }),
        )
        .map(({ lastSeen, ...account }) => ({
          ...account,
          lastSeen: new Map(
            Object.entries(lastSeen).map(([source, hours]) => [source, account.at - hours * 3_600_000]),
          ),
        }))
    })
