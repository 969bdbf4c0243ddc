import type { FastifyRequest } from 'fastify'
import { isBadText, type JsonLimits } from '#libs/http/limits/json-limits.ts'
import { type IncomingItem, isObject } from '../core/incoming-item.ts'
import { mapCloudEvent } from '../core/map-cloud-event.ts'
import { assertItems, badEnvelope, parseJson, readBodyText, readSentAt } from './body-text.ts'

type Headers = FastifyRequest['headers']

export type Envelope = {
  readonly items: IncomingItem[]
  readonly sentAt?: number | undefined
  readonly isBad: JsonLimits['isBad']
}

const fromJson = (value: unknown): Omit<Envelope, 'isBad'> => {
  if (Array.isArray(value)) {
    assertItems(value.length, '')
    return { items: value.map((event, index) => ({ event, pointer: `/${index}` })) }
  }
  if (!isObject(value)) throw badEnvelope('invalid_type', 'Send an event, a list of events or {"events": [...]}')
  if (value.events === undefined) return { items: [{ event: value, pointer: '' }] }
  const { events } = value
  if (!Array.isArray(events)) throw badEnvelope('invalid_type', '"events" must be a list', '/events')
  assertItems(events.length, '/events')
  return {
    sentAt: readSentAt(value.sentAt, '/sentAt'),
    items: events.map((event, index) => ({ event, pointer: `/events/${index}` })),
  }
}

const fromLines = (text: string): Omit<Envelope, 'isBad'> => {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  assertItems(lines.length, '')
  const items = lines.map((line, index): IncomingItem => {
    const pointer = `/${index}`
    try {
      return { event: JSON.parse(line), pointer }
    } catch {
      return {
        event: undefined,
        pointer,
        fault: { pointer, code: 'invalid_json', detail: 'The line is not valid JSON' },
      }
    }
  })
  return { items }
}

const fromCloudBatch = (value: unknown): Omit<Envelope, 'isBad'> => {
  if (!Array.isArray(value)) throw badEnvelope('invalid_type', 'A batch of CloudEvents must be a list')
  assertItems(value.length, '')
  return { items: value.map((event, index) => mapCloudEvent(event, `/${index}`)) }
}

/** Binary mode: attributes are `ce-` headers, percent-encoded; the body is the data. */
const fromCloudHeaders = (headers: Headers, text: string): Omit<Envelope, 'isBad'> => {
  const attributes: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith('ce-') || typeof value !== 'string') continue
    try {
      attributes[name.slice(3)] = decodeURIComponent(value)
    } catch {
      throw badEnvelope('invalid_header', 'A ce- header is not percent-encoded')
    }
  }
  const data = text.trim() === '' ? undefined : parseJson(text)
  return { items: [mapCloudEvent({ ...attributes, data }, '')] }
}

/** Reads the events of a request by its Content-Type. Throws 400 or 413 for a bad envelope. */
export const readEnvelope = (body: Buffer, headers: Headers): Envelope => {
  const [type = ''] = (headers['content-type'] ?? '').toLowerCase().split(/[; ]/, 1)
  const { text, isBad } = readBodyText(body)
  if (headers['ce-specversion'] !== undefined) return { ...fromCloudHeaders(headers, text), isBad: isBad ?? isBadText }
  if (type === 'application/x-ndjson' || type === 'application/ndjson') return { ...fromLines(text), isBad }
  const value = parseJson(text)
  if (type === 'application/cloudevents+json') return { items: [mapCloudEvent(value, '')], isBad }
  if (type === 'application/cloudevents-batch+json') return { ...fromCloudBatch(value), isBad }
  return { ...fromJson(value), isBad }
}
