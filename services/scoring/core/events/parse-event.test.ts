import { expect, it } from 'vitest'
import { type ReadContext, rawText, readKeptRecord, readRecord } from './parse-event.ts'

const AT = Date.UTC(2026, 10, 22, 10)
const full = {
  id: 'evt-1',
  source: 'web',
  type: 'Feature Used',
  accountId: 'acme',
  userId: 'u-7',
  occurredAt: '2026-11-22T10:00:00.000Z',
  receivedAt: '2026-11-22T10:00:01.000Z',
  tenantId: 'default',
  mode: 'live',
  properties: { feature: 'reports', core: true },
}
const record = (body: unknown, key = 'default:acme', headers: Record<string, string> = {}) => ({
  key,
  value: Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  headers,
  timestampMs: AT + 5_000,
})
/** Signed when it holds `receivedAt`, as ingest writes it. */
const context = (body: unknown): ReadContext => ({
  retentionDays: 400,
  verify: () => {
    const text = (body as { receivedAt?: string }).receivedAt
    return text === undefined ? undefined : { at: Date.parse(text), text }
  },
})
const UNSIGNED: ReadContext = { verify: () => undefined }
const reasonOf = (body: unknown, key?: string, headers?: Record<string, string>): string => {
  const read = readRecord(record(body, key, headers), context(full))
  return read.kind === 'unreadable' ? read.reason : `read as ${read.kind}`
}

it('keeps the bytes of a whole record as they came', () => {
  const given = record(full)
  const read = readRecord(given, context(full))
  expect(read).toMatchObject({
    kind: 'event',
    tenantId: 'default',
    accountId: 'acme',
    event: { occurredAt: AT, receivedAt: AT + 1_000, backfill: false },
  })
  expect(read.kind === 'event' && rawText(read.event.raw)).toBe(given.value.toString())
})

it('fills in what a product backend left out when it wrote the topic itself', () => {
  const { receivedAt, tenantId, source, properties, mode, ...bare } = full
  const read = readRecord(record(bare), UNSIGNED)
  expect(read).toMatchObject({ kind: 'event', event: { source: 'kafka', receivedAt: AT + 5_000, properties: {} } })
  const raw = read.kind === 'event' ? JSON.parse(rawText(read.event.raw)) : {}
  expect(raw).toMatchObject({ tenantId: 'default', source: 'kafka', receivedAt: '2026-11-22T10:00:05.000Z' })
})

it('takes the timestamp of the broker for receivedAt where nobody signed another', () => {
  for (const receivedAt of ['2099-01-01T00:00:00.000Z', '2001-01-01T00:00:00.000Z', 'yesterday', 7]) {
    const read = readRecord(record({ ...full, receivedAt }), UNSIGNED)
    expect(read).toMatchObject({ kind: 'event', event: { receivedAt: AT + 5_000 } })
    const raw = read.kind === 'event' ? JSON.parse(rawText(read.event.raw)) : {}
    expect(raw.receivedAt).toBe('2026-11-22T10:00:05.000Z')
  }
})

it('finds the account behind a name with colons', () => {
  expect(readRecord(record({ ...full, accountId: 'eu:acme:1' }, 'default:eu:acme:1'), UNSIGNED)).toMatchObject({
    tenantId: 'default',
    accountId: 'eu:acme:1',
  })
})

it('reads an evaluation that fell due', () => {
  const body = { tenantId: 'default', accountId: 'acme', dueAt: '2026-11-22T10:00:00.000Z' }
  const command = record(body, 'default:acme', { kind: 'evaluate' })
  expect(readRecord(command, context(full))).toEqual({ kind: 'evaluate', tenantId: 'default', accountId: 'acme' })
  expect(readRecord(command, UNSIGNED)).toEqual({ kind: 'unsigned' })
})

it('takes an escaped backslash before u for what it is', () => {
  expect(reasonOf({ ...full, properties: { path: 'c:\\u0000\\ud800' } })).toBe('read as event')
  expect(reasonOf({ ...full, properties: { emoji: '\ud83d\ude00 \ufffd' } })).toBe('read as event')
})

it('reads what was counted once, whatever the limits are now', () => {
  const old = { ...full, mode: 'backfill', occurredAt: '2023-01-01T00:00:00.000Z' }
  const large = { ...full, properties: { text: 'x'.repeat(68_000) } }
  for (const kept of [old, large]) expect(readKeptRecord(record(kept))).toMatchObject({ kind: 'event' })
})

const deep = JSON.stringify(full).replace('"reports"', `${'['.repeat(5_000)}${']'.repeat(5_000)}`)
it.each([
  ['not JSON', '{'],
  ['not a JSON object', '[]'],
  ['not a JSON object', 'null'],
  ['accountId: 1 to 256 characters wanted', { ...full, accountId: '' }],
  ['the key is not tenantId:accountId', { ...full, accountId: 'other' }],
  ['tenantId differs from the key', { ...full, tenantId: 'other' }],
  ['id: 1 to 128 characters wanted', { ...full, id: 7 }],
  ['id: 1 to 128 characters wanted', { ...full, id: 'x'.repeat(129) }],
  ['occurredAt: an RFC 3339 instant wanted', { ...full, occurredAt: 'now' }],
  ['occurredAt: more than 5 minutes in the future', { ...full, occurredAt: '2026-11-22T10:05:01.001Z' }],
  ['occurredAt: older than 32 days needs mode backfill', { ...full, occurredAt: '2026-10-01T00:00:00.000Z' }],
  ['occurredAt: older than the retention', { ...full, mode: 'backfill', occurredAt: '0001-01-01T00:00:00.000Z' }],
  ['mode is neither live nor backfill', { ...full, mode: 'replay' }],
  ['properties: an object wanted', { ...full, properties: [] }],
  ['properties: nested deeper than 16 levels', deep],
  ['properties: a number beyond a double', JSON.stringify(full).replace('"reports"', '1e400')],
  [
    'properties: more than 200 keys in an object',
    { ...full, properties: Object.fromEntries(Array.from({ length: 201 }, (_, i) => [`k${i}`, i])) },
  ],
  ['holds NUL or half a surrogate pair', JSON.stringify(full).replace('reports', '\\u0000')],
  ['holds NUL or half a surrogate pair', JSON.stringify(full).replace('reports', '\\uD800')],
  ['not UTF-8', Buffer.from(JSON.stringify(full).replace('reports', '\xff'), 'latin1')],
  ['larger than 65536 bytes', { ...full, properties: { text: 'x'.repeat(65_536) } }],
])('says why a record cannot be read: %s', (reason, body) => {
  expect(reasonOf(body)).toBe(reason)
})
