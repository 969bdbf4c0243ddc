import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createRecordingBus } from '../support/bus/recording-bus.ts'
import { type IngestServer, startIngest } from '../support/ingest/ingest-server.ts'

const bus = createRecordingBus()
let server: IngestServer
beforeAll(async () => {
  server = await startIngest(bus)
})
beforeEach(() => {
  bus.published.length = 0
})
afterAll(() => server.app.close())

const now = new Date().toISOString()
const good = { id: 'good', type: 'Feature Used', accountId: 'acme', occurredAt: now }
const withField = (field: string, json: string): string =>
  `${JSON.stringify({ ...good, [field]: undefined }).slice(0, -1)},"${field}":${json}}`
const withProperties = (json: string): string => withField('properties', json)
const invalidUtf8 = Buffer.concat([
  Buffer.from(withProperties('{"a":"').slice(0, -1)),
  Buffer.from([0xc3, 0x28]),
  Buffer.from('"}}'),
])
const keys = (count: number): string =>
  JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index])))
const nested = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`

type Bad = [name: string, body: string | Buffer, status: number, pointer: string, headers?: Record<string, string>]
const BAD: Bad[] = [
  ['nesting of 5,000 levels', withProperties(nested(5_000)), 422, `/properties${'/a'.repeat(15)}`],
  [
    'nesting of 5,000 lists',
    withProperties(`{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`),
    422,
    `/properties/a${'/0'.repeat(14)}`,
  ],
  ['17 levels', withProperties(nested(16)), 422, `/properties${'/a'.repeat(15)}`],
  ['an envelope of nothing but brackets', '['.repeat(400_000), 400, ''],
  ['NUL in a property', withProperties('{"a":"x\\u0000"}'), 422, '/properties/a'],
  ['NUL in an id', withField('id', '"\\u0000"'), 422, '/id'],
  ['NUL in a key', withProperties('{"a\\u0000":1}'), 422, '/properties'],
  ['a lone high surrogate', withProperties('{"a":["\\ud83d"]}'), 422, '/properties/a/0'],
  ['a lone low surrogate', withField('accountId', '"\\uDE00"'), 422, '/accountId'],
  ['a raw NUL byte', withProperties('{"a":"\u0000"}'), 400, ''],
  ['1e400', withProperties('{"a":1e400}'), 422, '/properties/a'],
  ['-1e400 deep inside', withProperties('{"a/b":{"c~d":[0,-1e400]}}'), 422, '/properties/a~1b/c~0d/1'],
  ['__proto__', withProperties('{"__proto__":{"polluted":true}}'), 422, '/properties/__proto__'],
  [
    '__proto__ written with an escape',
    withProperties('{"\\u005f_proto__":{"polluted":true}}'),
    422,
    '/properties/__proto__',
  ],
  ['__proto__ of the event', withField('__proto__', '{"polluted":true}'), 422, '/__proto__'],
  ['201 keys in one object', withProperties(keys(201)), 422, '/properties'],
  ['65 KB in one event', withProperties(JSON.stringify({ a: 'x'.repeat(66_600) })), 422, ''],
  ['numbers that grow when written', withProperties(`{"a":[${'1e20,'.repeat(3_400)}1]}`), 422, ''],
  ['1,001 events', JSON.stringify({ events: Array.from({ length: 1_001 }, () => good) }), 413, '/events'],
  ['a list of 300,000', `[${'1,'.repeat(299_999)}1]`, 413, ''],
  ['a list of a million', `[${'1,'.repeat(999_999)}1]`, 413, ''],
  ['more than 1 MB', JSON.stringify({ ...good, properties: { a: 'x'.repeat(1_100_000) } }), 413, ''],
  ['an empty list', '[]', 400, ''],
  ['an empty list of events', '{"events":[]}', 400, '/events'],
  ['events that are no list', '{"events":{}}', 400, '/events'],
  ['no events, only text', '"event"', 400, ''],
  ['null', 'null', 400, ''],
  ['an event that is a list', '[[]]', 422, '/0'],
  ['an empty body', '', 400, ''],
  ['half a body', '{"id":"a"', 400, ''],
  ['invalid UTF-8', invalidUtf8, 422, '/properties/a'],
  ['UTF-16', Buffer.from(JSON.stringify(good), 'utf16le'), 400, ''],
  ['the year 0001', withField('occurredAt', '"0001-01-01T00:00:00Z"'), 422, '/occurredAt'],
  ['the year +275760', withField('occurredAt', '"+275760-09-13T00:00:00.000Z"'), 422, '/occurredAt'],
  ['the year 9999', withField('occurredAt', '"9999-12-31T23:59:59Z"'), 422, '/occurredAt'],
  ['a day that does not exist', withField('occurredAt', '"2026-02-30T00:00:00Z"'), 422, '/occurredAt'],
  ['an instant as a number', withField('occurredAt', '1795348800000'), 422, '/occurredAt'],
  ['an id as a number', withField('id', '17'), 422, '/id'],
  ['an id of 129 characters', withField('id', `"${'x'.repeat(129)}"`), 422, '/id'],
  ['an account of 257 characters', withField('accountId', `"${'x'.repeat(257)}"`), 422, '/accountId'],
  ['an account that is an object', withField('accountId', '{"toString":"x"}'), 422, '/accountId'],
  ['properties that are a list', withProperties('[]'), 422, '/properties'],
  ['an unknown mode', withField('mode', '"replay"'), 422, '/mode'],
  ['XML', '<event/>', 415, '', { 'content-type': 'application/xml' }],
  ['text', JSON.stringify(good), 415, '', { 'content-type': 'text/plain' }],
  ['an odd Content-Type', JSON.stringify(good), 415, '', { 'content-type': 'application/json/../x' }],
  ['an unknown Content-Encoding', JSON.stringify(good), 415, '', { 'content-encoding': 'compress' }],
  ['gzip that is none', JSON.stringify(good), 400, '', { 'content-encoding': 'gzip' }],
  ['a gzip bomb', gzipSync(Buffer.alloc(48 * 1024 * 1024, ' ')), 413, '', { 'content-encoding': 'gzip' }],
  ['a bomb within a million zeros', gzipSync(`[${'0,'.repeat(2_000_000)}0]`), 413, '', { 'content-encoding': 'gzip' }],
  [
    'a CloudEvent of another version',
    JSON.stringify({ specversion: '2.0' }),
    422,
    '/specversion',
    { 'content-type': 'application/cloudevents+json' },
  ],
  ['a batch of CloudEvents that is none', '{}', 400, '', { 'content-type': 'application/cloudevents-batch+json' }],
  ['a ce- header with a broken escape', '{}', 400, '', { 'ce-specversion': '1.0', 'ce-id': '%zz' }],
  [
    'NUL in a ce- header',
    '{}',
    422,
    '/id',
    { 'ce-specversion': '1.0', 'ce-id': '%00', 'ce-source': 's', 'ce-type': 't', 'ce-subject': 'a' },
  ],
]

const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
  fetch(`${server.base}/v1/events`, {
    method: 'POST',
    headers: { authorization: 'Bearer tenant-a', 'content-type': 'application/json', ...headers },
    body,
  })

describe('bad input is a 4xx problem with a pointer, and nothing is published', () => {
  it.each(BAD)('%s', async (_name, body, status, pointer, headers) => {
    const answer = await post(body, headers)
    const problem = (await answer.json()) as { status: number; code: string; errors?: { pointer: string }[] }
    expect([answer.status, problem.errors?.[0]?.pointer ?? '']).toEqual([status, pointer])
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
    expect(problem).toMatchObject({ status, errors: [{ pointer }] })
    expect(bus.published).toEqual([])
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    expect((await fetch(`${server.base}/livez`)).status).toBe(200)
  })
  it('a bad item does not take its neighbours down', async () => {
    for (const [, body, status] of BAD.filter(
      ([, body, status]) =>
        status === 422 && typeof body === 'string' && body.startsWith('{"id"') && body.length < 100_000,
    )) {
      bus.published.length = 0
      const neighbour = JSON.stringify({ ...good, id: `n${Math.random()}` })
      const answer = await post(`[${neighbour},${body}]`)
      expect([status, answer.status, bus.published.length]).toEqual([422, 207, 1])
    }
  })
  it('exactly at the limits it is accepted', async () => {
    for (const properties of [keys(200), nested(15), JSON.stringify({ a: 'x'.repeat(65_000) })]) {
      const answer = await post(withProperties(properties).replace('"good"', `"id-${properties.length}"`))
      expect(answer.status).toBe(202)
    }
    const thousand = Array.from({ length: 1_000 }, (_, index) => ({ ...good, id: `k${index}` }))
    expect((await post(JSON.stringify(thousand))).status).toBe(202)
  })
  it('an unknown query value is 400, a missing key 401 before the body is read', async () => {
    const answer = await fetch(`${server.base}/v1/events?atomic=perhaps`, {
      method: 'POST',
      headers: { authorization: 'Bearer tenant-a', 'content-type': 'application/json' },
      body: '{}',
    })
    expect(answer.status).toBe(400)
    expect((await fetch(`${server.base}/v1/events`, { method: 'POST', body: '{' })).status).toBe(401)
  })
})
