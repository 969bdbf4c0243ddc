import { gzipSync } from 'node:zlib'
import { Analytics } from '@segment/analytics-node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRecordingBus, type RecordingBus } from '../support/bus/recording-bus.ts'
import { type IngestServer, startIngest } from '../support/ingest/ingest-server.ts'

let bus: RecordingBus
let server: IngestServer
beforeEach(async () => {
  bus = createRecordingBus()
  server = await startIngest(bus)
})
afterEach(() => server.app.close())

type Answer = {
  accepted: number
  duplicate: number
  rejected: number
  results: { status: string; problem?: { errors: { pointer: string; code: string }[] } }[]
}
const post = async (path: string, body: string | Buffer, headers: Record<string, string> = {}) => {
  const answer = await fetch(server.base + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })
  return { status: answer.status, body: (await answer.json()) as Answer }
}
const basic = { authorization: `Basic ${Buffer.from('tenant-a:').toString('base64')}` }
const now = new Date().toISOString()
const pointersOf = ({ body }: { body: Answer }) =>
  body.results.flatMap((result) => result.problem?.errors.map((error) => error.pointer) ?? [])

describe('Segment', () => {
  it('its own Node library, unchanged, reports tracks, traits and groups of an account', async () => {
    const failures: unknown[] = []
    const analytics = new Analytics({ writeKey: 'tenant-a', host: server.base, flushAt: 10, maxRetries: 0 })
    analytics.on('error', (error) => failures.push(error))
    const context = { groupId: 'acme' }
    analytics.track({ userId: 'u-7', event: 'Feature Used', properties: { feature: 'reports' }, context })
    analytics.identify({ userId: 'u-7', traits: { plan: 'pro' }, context })
    analytics.group({ userId: 'u-7', groupId: 'acme', traits: { seats: 12 } })
    analytics.page({ userId: 'u-7', name: 'Home', context })
    await analytics.closeAndFlush()
    expect(failures).toEqual([])
    const common = { tenantId: 'tenant-a', source: 'backend', accountId: 'acme', userId: 'u-7' }
    expect(bus.values()).toMatchObject([
      { ...common, type: 'Feature Used', properties: { feature: 'reports' } },
      { ...common, type: 'identify', properties: { plan: 'pro' } },
      { ...common, type: 'group', properties: { seats: 12 } },
      { ...common, type: 'page', properties: { name: 'Home' } },
    ])
    for (const { id } of bus.values()) expect(String(id).length).toBeGreaterThan(50)
  })
  it('its library sends again after a 503, and the event counts once', async () => {
    bus.away = true
    const analytics = new Analytics({ writeKey: 'tenant-a', host: server.base, flushAt: 1, maxRetries: 5 })
    analytics.on('http_response', () => {
      bus.away = false
    })
    analytics.track({ userId: 'u-7', event: 'Feature Used', context: { groupId: 'acme' } })
    await analytics.closeAndFlush({ timeout: 20_000 })
    expect([bus.attempts, bus.published.length]).toEqual([2, 1])
  })
  it('answers 200 with verdicts when single calls are not valid', async () => {
    const batch = [
      {
        type: 'track',
        messageId: 'm1',
        event: 'Feature Used',
        userId: 'u',
        context: { groupId: 'acme' },
        timestamp: now,
      },
      { type: 'track', messageId: 'm2', event: 'Feature Used', userId: 'u', timestamp: now },
      { type: 'track', messageId: 'm3', userId: 'u', context: { groupId: 'acme' } },
      { type: 'alias', messageId: 'm4', previousId: 'a', userId: 'u' },
      { type: 'track', messageId: 'm5', event: 'e', context: { groupId: 'acme' }, timestamp: 'x' },
      { type: 'group', messageId: 'm6', groupId: 17, traits: [] },
      'x',
    ]
    const answer = await post('/v1/batch', JSON.stringify({ batch }), basic)
    expect([answer.status, answer.body.accepted, answer.body.rejected]).toEqual([200, 1, 6])
    expect(pointersOf(answer)).toEqual([
      '/batch/1/context/groupId',
      '/batch/2/event',
      '/batch/3/type',
      '/batch/4/timestamp',
      '/batch/5/traits',
      '/batch/6',
    ])
  })
  it.each([
    ['track', { event: 'Feature Used', properties: { a: 1 } }, { type: 'Feature Used', properties: { a: 1 } }],
    ['identify', { traits: { plan: 'pro' } }, { type: 'identify', properties: { plan: 'pro' } }],
    ['group', { groupId: 'acme', traits: { seats: 3 } }, { type: 'group', properties: { seats: 3 } }],
    ['screen', { name: 'Home', properties: { tab: 1 } }, { type: 'screen', properties: { name: 'Home', tab: 1 } }],
  ])('a single %s call', async (call, body, expected) => {
    const sent = { userId: 'u-7', context: { groupId: 'acme' }, timestamp: now, ...body }
    const answer = await post(`/v1/${call}`, JSON.stringify(sent), basic)
    expect([answer.status, answer.body.accepted]).toEqual([200, 1])
    expect(bus.values()).toMatchObject([{ accountId: 'acme', userId: 'u-7', ...expected }])
    expect((await post(`/v1/${call}`, JSON.stringify(sent), basic)).body.duplicate).toBe(1)
  })
  it('an envelope that cannot be read is a 4xx problem', async () => {
    for (const body of ['{}', '{"batch":1}', '[', '', '{"batch":[]}'])
      expect((await post('/v1/batch', body, basic)).status).toBe(400)
    expect((await post('/v1/batch', '{"batch":[1]}')).status).toBe(401)
  })
  it('a client whose clock is a day behind is set right by sentAt', async () => {
    const late = new Date(Date.now() - 86_400_000).toISOString()
    const item = { type: 'track', messageId: 'm1', event: 'e', context: { groupId: 'a' }, timestamp: late }
    await post('/v1/batch', JSON.stringify({ batch: [item], sentAt: late }), basic)
    expect(Date.parse(String(bus.values()[0]?.occurredAt))).toBeGreaterThan(Date.now() - 60_000)
  })
})

describe('RudderStack', () => {
  const batch = {
    batch: [
      {
        type: 'track',
        messageId: 'r1',
        event: 'Feature Used',
        userId: 'u-7',
        context: { groupId: 'acme' },
        originalTimestamp: now,
        sentAt: now,
      },
    ],
  }
  it.each([
    ['with Content-Encoding', { 'content-encoding': 'gzip' }],
    ['without saying so', {}],
  ])('gzip JSON labelled as a form, %s', async (_name, headers) => {
    const form = { ...basic, 'content-type': 'application/x-www-form-urlencoded', ...headers }
    const answer = await post('/v1/batch', gzipSync(JSON.stringify(batch)), form)
    expect([answer.status, answer.body.accepted]).toEqual([200, 1])
    expect(bus.values()).toMatchObject([{ id: 'r1', accountId: 'acme', type: 'Feature Used' }])
  })
  it('a bomb is 413 either way', async () => {
    const bomb = gzipSync(Buffer.alloc(48 * 1024 * 1024, ' '))
    expect((await post('/v1/batch', bomb, basic)).status).toBe(413)
    expect((await post('/v1/batch', bomb, { ...basic, 'content-encoding': 'gzip' })).status).toBe(413)
  })
})

describe('PostHog', () => {
  const event = {
    uuid: '019371d5-4b1e-7cc0-8f4e-0a3f0d9c2b11',
    event: 'Feature Used',
    distinct_id: 'u-7',
    timestamp: now,
    properties: { feature: 'reports', $groups: { project: 'p1', company: 'acme' } },
  }
  it('a gzip batch with the key in its body', async () => {
    const body = gzipSync(JSON.stringify({ api_key: 'tenant-a', batch: [event], sent_at: now }))
    const answer = await post('/batch/', body, { 'content-encoding': 'gzip' })
    expect([answer.status, answer.body.accepted]).toEqual([200, 1])
    expect(bus.values()).toMatchObject([
      { tenantId: 'tenant-a', id: event.uuid, accountId: 'acme', userId: 'u-7', type: 'Feature Used' },
    ])
  })
  it('single events, traits of persons and of groups', async () => {
    const groups = { $groups: { company: 'acme' } }
    const identify = { ...event, uuid: 'p2', event: '$identify', properties: { ...groups, $set: { plan: 'pro' } } }
    const group = {
      ...event,
      uuid: 'p3',
      event: '$groupidentify',
      properties: { $group_type: 'company', $group_key: 'acme', $group_set: { seats: 3 } },
    }
    for (const [path, sent] of [
      ['/capture/', identify],
      ['/e/', group],
    ] as const)
      expect((await post(path, JSON.stringify({ api_key: 'tenant-a', ...sent }))).body.accepted).toBe(1)
    expect(bus.values()).toMatchObject([
      { type: 'identify', accountId: 'acme', properties: { plan: 'pro' } },
      { type: 'group', accountId: 'acme', properties: { seats: 3 } },
    ])
  })
  it('a historical migration is a backfill', async () => {
    const old = { ...event, timestamp: new Date(Date.now() - 100 * 86_400_000).toISOString() }
    const answer = await post(
      '/batch/',
      JSON.stringify({ api_key: 'tenant-a', historical_migration: true, batch: [old] }),
    )
    expect([answer.body.accepted, bus.values()[0]?.mode]).toEqual([1, 'backfill'])
  })
  it('an event of nobody’s account is rejected with a pointer, a missing or bad key is 401', async () => {
    const answer = await post('/batch/', JSON.stringify({ api_key: 'tenant-a', batch: [{ ...event, properties: {} }] }))
    expect([answer.status, pointersOf(answer)]).toEqual([200, ['/batch/0/properties/$groups']])
    expect((await post('/batch/', JSON.stringify({ batch: [event] }))).status).toBe(401)
    expect((await post('/batch/', JSON.stringify({ api_key: 'wrong', batch: [event] }))).status).toBe(401)
    expect(bus.published).toEqual([])
  })
  it('a key among the properties opens the door and is not kept', async () => {
    const properties = { ...event.properties, token: 'tenant-a' }
    for (const [path, body] of [
      ['/e/', [{ ...event, uuid: 'k1', properties }]],
      ['/capture/', { ...event, uuid: 'k2', properties: { ...properties, api_key: 'tenant-a' } }],
    ] as const)
      expect((await post(path, JSON.stringify(body))).body.accepted).toBe(1)
    expect(bus.values().map((value) => value.properties)).toEqual([event.properties, event.properties])
  })
  it('there are no feature flags', async () => {
    const answer = await post('/flags/?v=2', JSON.stringify({ api_key: 'tenant-a', distinct_id: 'u' }))
    expect(answer).toMatchObject({ status: 200, body: { flags: {}, errorsWhileComputingFlags: false } })
  })
})

it('an analytics client gets an answer, and the process lives, however deep an item is nested', async () => {
  const deep = `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`
  const call = `{"type":"track","event":"e","context":{"groupId":"a"},"properties":${deep}}`
  const answer = await post(
    '/v1/batch',
    `{"batch":[${call},{"type":"track","messageId":"\\u0000","event":"\\ud800","context":{"groupId":"a"}}]}`,
    basic,
  )
  expect([answer.status, answer.body.rejected]).toEqual([200, 2])
  expect((await fetch(`${server.base}/livez`)).status).toBe(200)
})
