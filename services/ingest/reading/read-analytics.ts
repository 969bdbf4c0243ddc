import { gunzipSync } from 'node:zlib'
import { BODY_LIMIT_BYTES } from '#libs/http/server.ts'
import { type IncomingItem, isObject } from '../core/incoming-item.ts'
import { mapPosthog } from '../core/map-posthog.ts'
import { mapSegment } from '../core/map-segment.ts'
import { assertItems, badEnvelope, parseJson, readBodyText } from './body-text.ts'
import type { Envelope } from './read-envelope.ts'

/** Inflates gzip that the client did not declare in `Content-Encoding`. */
const inflate = (body: Buffer): Buffer => {
  if (body[0] !== 0x1f || body[1] !== 0x8b) return body
  try {
    return gunzipSync(body, { maxOutputLength: BODY_LIMIT_BYTES })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw badEnvelope('body_too_large', 'The inflated body is too large', '', 413)
    throw badEnvelope('invalid_encoding', 'The body is not gzip')
  }
}

const readJson = (body: Buffer): { value: unknown; isBad: Envelope['isBad'] } => {
  const { text, isBad } = readBodyText(inflate(body))
  return { value: parseJson(text), isBad }
}

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
export const readSegmentBatch = (body: Buffer): Envelope => {
  const { value, isBad } = readJson(body)
  if (!isObject(value) || !Array.isArray(value.batch))
    throw badEnvelope('invalid_type', 'Send {"batch": [...]}', '/batch')
  const items = mapList(value.batch, '/batch', mapSegment)
  const sentAt = value.sentAt ?? (isObject(value.batch[0]) ? value.batch[0].sentAt : undefined)
  return { items, sentAt: lenientInstant(sentAt), isBad }
}

/** `/v1/track` and the like: one call, whose kind is in the path. */
export const readSegmentCall = (body: Buffer, kind: string): Envelope => {
  const { value, isBad } = readJson(body)
  if (!isObject(value)) throw badEnvelope('invalid_type', 'A call must be an object')
  return { items: [mapSegment(value, '', kind)], sentAt: lenientInstant(value.sentAt), isBad }
}

/** Events of a PostHog client, with the API key from its body. */
export const readPosthog = (body: Buffer): Envelope & { readonly key: string | undefined } => {
  const { value, isBad } = readJson(body)
  if (Array.isArray(value)) {
    const items = mapList(value, '', (item, pointer) => mapPosthog(item, pointer, false))
    return { items, isBad, key: keyOf(value[0]) }
  }
  if (!isObject(value)) throw badEnvelope('invalid_type', 'Send an event or {"batch": [...]}')
  const historical = value.historical_migration === true
  const items = Array.isArray(value.batch)
    ? mapList(value.batch, '/batch', (item, pointer) => mapPosthog(item, pointer, historical))
    : [mapPosthog(value, '', historical)]
  return { items, sentAt: lenientInstant(value.sent_at), isBad, key: keyOf(value) }
}

export const readPosthogKey = (body: Buffer): string | undefined => keyOf(readJson(body).value)

const keyOf = (value: unknown): string | undefined => {
  if (!isObject(value)) return undefined
  const properties = isObject(value.properties) ? value.properties : {}
  const key = value.api_key ?? value.token ?? value.$token ?? properties.token
  return typeof key === 'string' ? key : undefined
}
