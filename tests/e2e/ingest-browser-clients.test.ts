import { gzipSync } from 'node:zlib'
import lzString from 'lz-string'
import { PostHog } from 'posthog-node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRecordingBus, type RecordingBus } from '../support/bus/recording-bus.ts'
import { type IngestServer, startIngest } from '../support/ingest/ingest-server.ts'
import { lzBombOf } from '../support/lz-bomb.ts'

let bus: RecordingBus
let server: IngestServer
beforeEach(async () => {
  bus = createRecordingBus()
  server = await startIngest(bus)
})
afterEach(() => server.app.close())

type Sent = { body?: string | Buffer; type?: string; method?: string; authorization?: string }
/** A body as bytes has no Content-Type of its own. */
const send = async (path: string, { body, type, method = 'POST', authorization }: Sent) => {
  const headers = { ...(type ? { 'content-type': type } : {}), ...(authorization ? { authorization } : {}) }
  const bytes = body === undefined ? {} : { body: Buffer.from(body) }
  const answer = await fetch(server.base + path, { method, headers, ...bytes })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}
const FORM = 'application/x-www-form-urlencoded'
const event = {
  uuid: 'p1',
  event: 'Feature Used',
  distinct_id: 'u-7',
  properties: { token: 'tenant-a', feature: 'relatórios', $groups: { company: 'acme' } },
}
const json = JSON.stringify(event)
const base64 = Buffer.from(json).toString('base64')
const lz64 = lzString.compressToBase64(json)
const counted = [{ tenantId: 'tenant-a', accountId: 'acme', properties: { feature: 'relatórios' } }]

describe('PostHog', () => {
  it('its own Node library, unchanged, reports events and finds no flags', async () => {
    const posthog = new PostHog('tenant-a', { host: server.base, flushAt: 10, fetchRetryCount: 0 })
    const failures: unknown[] = []
    posthog.on('error', (error) => failures.push(error))
    posthog.capture({ distinctId: 'u-7', event: 'Feature Used', groups: { company: 'acme' } })
    posthog.groupIdentify({ groupType: 'company', groupKey: 'acme', properties: { seats: 12 } })
    expect(await posthog.getAllFlags('u-7')).toEqual({})
    await posthog.shutdown()
    expect(failures).toEqual([])
    expect(bus.values()).toMatchObject([
      { type: 'Feature Used', accountId: 'acme', userId: 'u-7' },
      { type: 'group', accountId: 'acme', properties: { seats: 12 } },
    ])
  })
  it.each(['/batch', '/capture', '/e', '/i/v0/e', '/track'])(
    '%s takes events with a slash and without',
    async (path) => {
      for (const slash of ['', '/'])
        expect(await send(path + slash, { body: json, type: 'application/json' })).toMatchObject({ status: 200 })
      expect(bus.values()).toMatchObject(counted)
    },
  )
  it.each([
    ['base64 in a form', '/e/?compression=base64', `data=${encodeURIComponent(base64)}`, FORM],
    ['base64 in a form that is not escaped', '/e/', `data=${base64}`, FORM],
    ['base64 alone', '/e/?compression=base64&beacon=1', base64, 'text/plain'],
    ['JSON in a form', '/e/', `data=${encodeURIComponent(json)}`, FORM],
    ['lz-string in a form', '/e/', `data=${encodeURIComponent(lz64)}&compression=lz64`, FORM],
    ['lz-string, said in the query', '/e/?compression=lz64', `data=${lz64}`, FORM],
    ['gzip as text', '/i/v0/e/?compression=gzip-js&ip=0', gzipSync(json), 'text/plain'],
    ['gzip of a beacon without a type', '/e/?compression=gzip-js&beacon=1', gzipSync(json), undefined],
  ])('%s', async (_name, path, body, type) => {
    expect(await send(path, { body, ...(type ? { type } : {}) })).toMatchObject({ status: 200, body: { accepted: 1 } })
    expect(bus.values()).toMatchObject(counted)
  })
  it('an event in the query of a GET', async () => {
    const answer = await send(`/e/?data=${encodeURIComponent(base64)}`, { method: 'GET' })
    expect(answer).toMatchObject({ status: 200, body: { accepted: 1 } })
    expect((await send('/e?data=', { method: 'GET' })).status).toBe(400)
  })
  it('a small text that would inflate to 800 MB is 413 at once', async () => {
    const bomb = lzBombOf(40_000)
    const answer = await send('/e/', { body: `data=${encodeURIComponent(bomb)}&compression=lz64`, type: FORM })
    expect(answer).toMatchObject({ status: 413, body: { code: 'body_too_large' } })
  })
  it('/engage sets traits of a person', async () => {
    const body = JSON.stringify({
      $token: 'tenant-a',
      $distinct_id: 'u-7',
      $set: { role: 'cfo' },
      properties: { $groups: { company: 'acme' } },
    })
    expect(await send('/engage', { body, type: 'application/json' })).toMatchObject({
      status: 200,
      body: { accepted: 1 },
    })
    expect(bus.values()).toMatchObject([{ type: 'identify', userId: 'u-7', properties: { role: 'cfo' } }])
  })
  it.each(['/decide', '/decide/?v=3', '/flags', '/flags/?v=2'])('%s says that no flag is set', async (path) => {
    const body = `data=${encodeURIComponent(Buffer.from('{"token":"tenant-a","distinct_id":"u"}').toString('base64'))}`
    const answer = await send(path, { body, type: FORM })
    expect(answer).toMatchObject({ status: 200, body: { flags: {}, featureFlags: {}, sessionRecording: false } })
    expect((await send(path, { body: '{}', type: 'application/json' })).status).toBe(401)
  })
})

describe('Segment and RudderStack in a browser', () => {
  const call = {
    messageId: 'm1',
    userId: 'u-7',
    event: 'Feature Used',
    writeKey: 'tenant-a',
    context: { groupId: 'acme' },
    groupId: 'acme',
  }
  it.each(['t', 'i', 'p', 'g', 's', 'track/', 'group/'])('/v1/%s with the key in its body', async (path) => {
    const answer = await send(`/v1/${path}`, { body: JSON.stringify(call), type: 'text/plain' })
    expect(answer).toMatchObject({ status: 200, body: { accepted: 1 } })
    expect(bus.values()).toMatchObject([{ tenantId: 'tenant-a', accountId: 'acme' }])
  })
  it.each([
    ['/v1/b', { writeKey: 'tenant-a' }],
    ['/v1/batch/', { writeKey: 'tenant-a' }],
    ['/beacon/v1/batch?writeKey=tenant-a', {}],
  ])('a batch at %s', async (path, beside) => {
    const { writeKey: _, ...track } = { ...call, type: 'track' }
    const answer = await send(path, { body: JSON.stringify({ ...beside, batch: [track] }), type: 'text/plain' })
    expect(answer).toMatchObject({ status: 200, body: { accepted: 1 } })
  })
  it('a key in a header decides before the body, and without any it is 401', async () => {
    const body = JSON.stringify(call)
    expect((await send('/v1/t', { body, type: 'text/plain', authorization: 'Bearer wrong' })).status).toBe(401)
    expect((await send('/v1/t', { body: '{"event":"e"}', type: 'text/plain' })).status).toBe(401)
    expect((await send('/v1/t', { body: '[', type: 'text/plain', authorization: 'Bearer tenant-a' })).status).toBe(400)
    expect(bus.published).toEqual([])
  })
  it('the library’s figures about itself are taken and dropped', async () => {
    const answer = await send('/v1/m', { body: '{"series":[{"type":"Counter"}]}', type: 'text/plain' })
    expect([answer, bus.published]).toEqual([{ status: 200, body: { success: true } }, []])
  })
})

it('any path may end with a slash, and what is not there is still said before a body', async () => {
  expect((await fetch(`${server.base}/livez/`)).status).toBe(200)
  expect((await fetch(`${server.base}/v1/events/`, { method: 'PUT', body: '{' })).status).toBe(405)
  expect((await fetch(`${server.base}/v1/nope/`, { method: 'POST', body: '{' })).status).toBe(404)
})

it('a byte order mark before JSON is no part of it', async () => {
  const answer = await send('/e/', { body: `\ufeff${json}`, type: 'application/json' })
  expect(answer).toMatchObject({ status: 200, body: { accepted: 1 } })
  const lines = await send('/v1/events', {
    body: `\ufeff${JSON.stringify({ id: '1', type: 't', accountId: 'a', occurredAt: new Date().toISOString() })}`,
    type: 'application/x-ndjson',
    authorization: 'Bearer tenant-a',
  })
  expect(lines).toMatchObject({ status: 202, body: { accepted: 1 } })
})
