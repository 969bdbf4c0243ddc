import { asText, deriveId } from './derive-id.ts'
import { type IncomingItem, isObject } from './incoming-item.ts'

const ACCOUNT_GROUPS = ['company', 'account', 'organization', 'customer']
const EMPTY: Readonly<Record<string, unknown>> = {}
const orEmpty = (value: unknown): Readonly<Record<string, unknown>> => (isObject(value) ? value : EMPTY)

/** Removes the API key, which browser libraries copy into the properties. */
const withoutKey = (given: unknown): unknown => {
  if (!isObject(given)) return given ?? {}
  const { token, api_key, ...properties } = given
  return properties
}

/** The group whose type names a company, else the first group. */
const accountOf = (groups: Readonly<Record<string, unknown>>): unknown => {
  const type = ACCOUNT_GROUPS.find((name) => groups[name] !== undefined) ?? Object.keys(groups)[0]
  return type === undefined ? undefined : groups[type]
}

/** An event of PostHog's capture API: the account is in `properties.$groups`, the id is `uuid`. */
export const mapPosthog = (input: unknown, pointer: string, historical: boolean): IncomingItem => {
  const fault = (field: string, code: string, detail: string): IncomingItem => ({
    event: isObject(input) ? { id: input.uuid } : undefined,
    pointer,
    fault: { pointer: `${pointer}${field}`, code, detail },
  })
  if (!isObject(input)) return fault('', 'invalid_type', 'An event must be an object')
  const properties = orEmpty(input.properties)
  const userId = input.distinct_id ?? properties.distinct_id
  const common = {
    id: asText(input.uuid) ?? deriveId(input),
    occurredAt: input.timestamp ?? undefined,
    mode: historical ? 'backfill' : undefined,
  }
  const names = { id: 'uuid', type: 'event', userId: 'distinct_id', occurredAt: 'timestamp' }
  if (input.event === '$groupidentify')
    return {
      pointer,
      timeOptional: true,
      names: { ...names, accountId: 'properties/$group_key', properties: 'properties/$group_set' },
      event: {
        ...common,
        type: 'group',
        accountId: asText(properties.$group_key),
        properties: properties.$group_set ?? {},
      },
    }
  if (input.event === '$create_alias') return fault('/event', 'unsupported', 'Pulso does not count this event')
  const identifies = input.event === '$identify'
  return {
    pointer,
    timeOptional: true,
    names: {
      ...names,
      accountId: 'properties/$groups',
      properties: identifies ? 'properties/$set' : 'properties',
    },
    event: {
      ...common,
      type: identifies ? 'identify' : input.event,
      accountId: asText(accountOf(orEmpty(properties.$groups))),
      userId: asText(userId),
      properties: identifies ? (properties.$set ?? input.$set ?? {}) : withoutKey(input.properties),
    },
  }
}
