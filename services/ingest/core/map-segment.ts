import { asText, deriveId } from './derive-id.ts'
import { type IncomingItem, isObject } from './incoming-item.ts'

const CALLS = ['track', 'identify', 'group', 'page', 'screen'] as const
const EMPTY: Readonly<Record<string, unknown>> = {}

/** The first place with a value, and its path. */
const firstOf = (places: readonly (readonly [string, unknown])[]): readonly [string, unknown] =>
  places.find(([, value]) => value !== undefined && value !== null && value !== '') ?? places[0]!

/**
 * The account is `groupId` of a `group` call, else `context.groupId`, as in Segment's B2B spec.
 * `kind` comes from the path. `alias` is refused: Pulso does not join the ids of persons.
 */
export const mapSegment = (input: unknown, pointer: string, kind?: string): IncomingItem => {
  const fault = (field: string, code: string, detail: string): IncomingItem => ({
    event: isObject(input) ? { id: input.messageId } : undefined,
    pointer,
    fault: { pointer: `${pointer}${field}`, code, detail },
  })
  if (!isObject(input)) return fault('', 'invalid_type', 'A call must be an object')
  const call = kind ?? input.type
  if (!CALLS.some((known) => known === call)) return fault('/type', 'unsupported', 'Pulso does not count this call')
  const context = isObject(input.context) ? input.context : EMPTY
  const properties = isObject(input.properties) ? input.properties : EMPTY
  const carriesTraits = call === 'identify' || call === 'group'
  const [accountAt, account] = firstOf([
    [call === 'group' ? 'groupId' : 'context/groupId', call === 'group' ? input.groupId : context.groupId],
    ['groupId', input.groupId],
    ['context/groupId', context.groupId],
    ['properties/groupId', properties.groupId],
  ])
  const [timeAt, time] = firstOf([
    ['timestamp', input.timestamp],
    ['originalTimestamp', input.originalTimestamp],
  ])
  const [traitsAt, traits] = firstOf([
    ['traits', input.traits],
    ['context/traits', call === 'identify' ? context.traits : undefined],
  ])
  const view = call === 'page' || call === 'screen' ? { name: input.name, category: input.category } : undefined
  return {
    pointer,
    timeOptional: true,
    names: {
      id: 'messageId',
      type: call === 'track' ? 'event' : 'type',
      accountId: accountAt,
      occurredAt: timeAt,
      properties: carriesTraits ? traitsAt : 'properties',
    },
    event: {
      id: asText(input.messageId) ?? deriveId(input),
      type: call === 'track' ? input.event : call,
      accountId: asText(account),
      userId: asText(input.userId) || undefined,
      occurredAt: time ?? undefined,
      properties: carriesTraits ? (traits ?? {}) : view ? { ...view, ...properties } : (input.properties ?? {}),
    },
  }
}
