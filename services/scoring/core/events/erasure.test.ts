import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Erasures, withoutErased, withoutUser } from './erasure.ts'
import { type ReceivedEvent, rawText } from './parse-event.ts'
import { redactEvent } from './redact.ts'

const USER = 'ana'
const eventOf = (given: Partial<ReceivedEvent>): ReceivedEvent => {
  const event = {
    id: 'e',
    source: 's',
    type: 'Feature Used',
    userId: 'ben',
    occurredAt: 100,
    receivedAt: 100,
    properties: {},
  }
  const raw = JSON.stringify({ ...event, ...given })
  return { ...event, backfill: false, ...given, raw }
}
const texts = fc.oneof(fc.constant(USER), fc.string(), fc.constant(`not ${USER}`))
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    texts,
    fc.double({ noNaN: true }),
    fc.boolean(),
    fc.constant(null),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.dictionary(texts, tie('value'), { maxKeys: 4 }),
}))
const properties = json.object as fc.Arbitrary<Record<string, unknown>>
const names = (value: unknown): boolean =>
  value === USER ||
  (typeof value === 'object' &&
    value !== null &&
    Object.entries(value).some(([name, member]) => (name === USER && !Array.isArray(value)) || names(member)))

describe('an event without a user', () => {
  test('names them nowhere, and is the same event when it named them nowhere before', () => {
    fc.assert(
      fc.property(properties, (given) => {
        const event = eventOf({ properties: given })
        const kept = withoutUser(event, (text) => text === USER)!
        expect(names(kept.properties)).toBe(false)
        expect(names(JSON.parse(rawText(kept.raw)))).toBe(false)
        expect(kept === event).toBe(!names(given))
        expect(JSON.parse(rawText(kept.raw)).properties).toEqual(JSON.parse(JSON.stringify(kept.properties)))
      }),
    )
  })

  test('is none when it is theirs or made them champion', () => {
    expect(withoutUser(eventOf({ userId: USER }), (text) => text === USER)).toBeNull()
    const champion = eventOf({ type: 'Champion Changed', properties: { to: USER } })
    expect(withoutUser(champion, (text) => text === USER)).toBeNull()
  })

  test('never needs more room than it had', () => {
    const event = { ...eventOf({}), properties: { a: 1e20, who: 'x' }, raw: '{"properties":{"a":1e20,"who":"x"}}' }
    expect(redactEvent(event, 'x')).toBeNull()
    fc.assert(
      fc.property(properties, (given) => {
        const event = eventOf({ properties: given })
        const kept = redactEvent(event, USER)
        expect(kept === null || Buffer.byteLength(rawText(kept.raw)) <= Buffer.byteLength(rawText(event.raw))).toBe(
          true,
        )
      }),
    )
  })
})

describe('an event of an account of which something was erased at 100', () => {
  const erasures = (given: Partial<Erasures>): Erasures => ({
    accountAt: null,
    userErasedAt: null,
    version: 0,
    sequence: 0,
    ...given,
  })
  const account = erasures({ accountAt: 100 })
  const user = erasures({ userErasedAt: (userId) => (userId === USER ? 100 : undefined) })

  test.each([
    [100, 100, false],
    [100, 101, false],
    [101, 100, false],
    [101, 101, true],
  ])('that happened at %i and was received at %i counts: %s', (occurredAt, receivedAt, counts) => {
    const event = eventOf({ occurredAt, receivedAt })
    expect(withoutErased(event, account)).toBe(counts ? event : null)
    const theirs = eventOf({ occurredAt, receivedAt, userId: USER })
    expect(withoutErased(theirs, user)).toBe(counts ? theirs : null)
  })

  test('counts without the erased user when it only names them', () => {
    const naming = eventOf({ properties: { reviewer: USER, feature: 'reports' } })
    expect(withoutErased(naming, user)?.properties).toEqual({ feature: 'reports' })
  })
})
