import { type IncomingItem, isObject } from '../core/incoming-item.ts'
import { mapPosthog } from '../core/map-posthog.ts'
import { mapSegment } from '../core/map-segment.ts'
import { type AnalyticsQuery, readAnalyticsBody, textOf } from './analytics-body.ts'
import { assertItems, badEnvelope } from './body-text.ts'
import type { Envelope } from './read-envelope.ts'

/** Events with the key that came beside them, or among them. */
export type KeyedEnvelope = Envelope & { readonly key: string | undefined }

/** Ignores a bad time of sending: analytics clients drop a batch that is answered with 400. */
const lenientInstant = (value: unknown): number | undefined => {
  const instant = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(instant) ? undefined : instant
}

const mapList = (list: readonly unknown[], pointer: string, map: (item: unknown, pointer: string) => IncomingItem) => {
  assertItems(list.length, pointer)
  return list.map((item, index) => map(item, `${pointer}/${index}`))
}

/** `/v1/batch` of Segment and RudderStack. */
export const readSegmentBatch = (body: Buffer, query?: AnalyticsQuery): KeyedEnvelope => {
  const { value, isBad, key } = readAnalyticsBody(body, query)
  if (!isObject(value) || !Array.isArray(value.batch))
    throw badEnvelope('invalid_type', 'Send {"batch": [...]}', '/batch')
  const items = mapList(value.batch, '/batch', mapSegment)
  const first = isObject(value.batch[0]) ? value.batch[0] : {}
  const sentAt = lenientInstant(value.sentAt ?? first.sentAt)
  return { items, sentAt, isBad, key: textOf(value.writeKey) ?? textOf(first.writeKey) ?? key }
}

/** `/v1/track` and the like: one call, whose kind is in the path. */
export const readSegmentCall = (body: Buffer, kind: string, query?: AnalyticsQuery): KeyedEnvelope => {
  const { value, isBad, key } = readAnalyticsBody(body, query)
  if (!isObject(value)) throw badEnvelope('invalid_type', 'A call must be an object')
  const items = [mapSegment(value, '', kind)]
  return { items, sentAt: lenientInstant(value.sentAt), isBad, key: textOf(value.writeKey) ?? key }
}

/** Events of a PostHog client, with the API key from its body. */
export const readPosthog = (body: Buffer, query?: AnalyticsQuery): KeyedEnvelope => {
  const { value, isBad, key } = readAnalyticsBody(body, query)
  if (Array.isArray(value)) {
    const items = mapList(value, '', (item, pointer) => mapPosthog(item, pointer, false))
    return { items, isBad, key: keyOf(value[0]) ?? key }
  }
  if (!isObject(value)) throw badEnvelope('invalid_type', 'Send an event or {"batch": [...]}')
  const historical = value.historical_migration === true
  const items = Array.isArray(value.batch)
    ? mapList(value.batch, '/batch', (item, pointer) => mapPosthog(item, pointer, historical))
    : [mapPosthog(value, '', historical)]
  return { items, sentAt: lenientInstant(value.sent_at), isBad, key: keyOf(value) ?? key }
}

/** `/engage`: what is set of a person, which PostHog’s other paths call `$identify`. */
export const readPosthogEngage = (body: Buffer, query?: AnalyticsQuery): KeyedEnvelope => {
  const { value, isBad, key } = readAnalyticsBody(body, query)
  const named = (item: unknown): unknown =>
    isObject(item) ? { event: '$identify', distinct_id: item.$distinct_id, ...item } : item
  const items = Array.isArray(value)
    ? mapList(value, '', (item, pointer) => mapPosthog(named(item), pointer, false))
    : [mapPosthog(named(value), '', false)]
  return { items, isBad, key: keyOf(Array.isArray(value) ? value[0] : value) ?? key }
}

export const readPosthogKey = (body: Buffer, query?: AnalyticsQuery): string | undefined => {
  const { value, key } = readAnalyticsBody(body, query)
  return keyOf(value) ?? key
}

const keyOf = (value: unknown): string | undefined => {
  if (!isObject(value)) return undefined
  const properties = isObject(value.properties) ? value.properties : {}
  return textOf(value.api_key ?? value.token ?? value.$token ?? properties.token)
}
