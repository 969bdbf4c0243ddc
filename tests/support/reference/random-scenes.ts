import fc from 'fast-check'

export const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

/** An event without its id: `offsetMs` counts from the start of the history. */
export type Scene = {
  readonly type: string
  readonly offsetMs: number
  readonly userId: string | null
  readonly properties: Readonly<Record<string, unknown>>
}

export const SPAN_DAYS = 240

/** Whole hours and their last millisecond hit midnights of every zone, and each other. */
export const timeOfDay = fc.oneof(
  fc.integer({ min: 0, max: 47 }).map((half) => (half * HOUR_MS) / 2),
  fc.integer({ min: 1, max: 24 }).map((hour) => hour * HOUR_MS - 1),
  fc.integer({ min: 0, max: DAY_MS - 1 }),
  fc.constant(10 * HOUR_MS),
)
export const dayOffset = fc.integer({ min: 0, max: SPAN_DAYS })
/**
 * The days on which clocks change most often, and 90 days before: half hours of the night, and one
 * instant that threads share.
 */
const tied = fc.oneof(
  fc.constant(100.5 * DAY_MS),
  fc
    .tuple(fc.constantFrom(10, 99, 100), fc.integer({ min: 0, max: 47 }))
    .map(([day, half]) => day * DAY_MS + (half * HOUR_MS) / 2),
)
const someTime = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(dayOffset, timeOfDay).map(([day, ms]) => day * DAY_MS + ms) },
  { weight: 1, arbitrary: tied },
)

export const user = fc.constantFrom('ana', 'bo', 'cy', 'di', null)

/** In place of a property now and then: null, empty, wrong type, out of range. */
const nasty = fc.constantFrom<unknown>(null, '', '5', 0, -3, 0.5, true, 'yes', [], [null], {}, 1e9, 11)
const withSlips = (properties: fc.Arbitrary<Record<string, unknown>>): fc.Arbitrary<Record<string, unknown>> =>
  fc.oneof(
    { weight: 6, arbitrary: properties },
    {
      weight: 1,
      arbitrary: fc.tuple(properties, fc.nat({ max: 9 }), nasty).map(([whole, at, slip]) => {
        const names = Object.keys(whole)
        const name = names[at % Math.max(1, names.length)]
        return name === undefined ? whole : { ...whole, [name]: slip }
      }),
    },
  )

export const some = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values)
export const maybe = (shape: Record<string, fc.Arbitrary<unknown>>, required: string[] = []) =>
  withSlips(fc.record(shape, { requiredKeys: required }) as fc.Arbitrary<Record<string, unknown>>)

export const scene = (
  types: fc.Arbitrary<string>,
  properties: fc.Arbitrary<Record<string, unknown>>,
): fc.Arbitrary<Scene> => fc.record({ type: types, offsetMs: someTime, userId: user, properties })

/** Now and then all in one millisecond. */
export const several = (one: fc.Arbitrary<Scene>, maxLength = 5): fc.Arbitrary<readonly Scene[]> =>
  fc
    .tuple(
      fc.array(one, { minLength: 1, maxLength }),
      fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: someTime }),
    )
    .map(([scenes, together]) =>
      together === null ? scenes : scenes.map((scene) => ({ ...scene, offsetMs: together })),
    )
