import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventRecordSchema } from '#libs/contracts/usage-event.ts'
import { createRecordingBus, type RecordingBus } from '../support/bus/recording-bus.ts'
import {
  type Answer,
  type IngestServer,
  type SendOptions,
  sendEvents,
  startIngest,
} from '../support/ingest/ingest-server.ts'
import { createManualClock } from '../support/manual-clock.ts'

const NOW = Date.parse('2026-11-22T12:00:00.000Z')
const DAY_MS = 86_400_000

let bus: RecordingBus
let server: IngestServer
const clock = createManualClock(NOW)
beforeEach(async () => {
  bus = createRecordingBus()
  server = await startIngest(bus, clock)
})
afterEach(() => server.app.close())

const sendText = (text: string, options?: SendOptions) => sendEvents(server.base, text, options)
const send = (body: unknown, options?: SendOptions) => sendText(JSON.stringify(body), options)
const event = (id: string, changes: Record<string, unknown> = {}) => ({
  id,
  type: 'Feature Used',
  accountId: 'acme',
  occurredAt: '2026-11-22T10:00:00.000Z',
  ...changes,
})
const at = (offsetMs: number) => new Date(NOW + offsetMs).toISOString()
const firstError = ({ body }: Answer) => body.errors?.[0]

describe('what is accepted', () => {
  it('one event is 202, and the record has tenant, source and instants filled in', async () => {
    const { status, body } = await send(event('e1', { userId: 'u-7', occurredAt: '2026-11-22T11:00:00+01:00' }))
    expect([status, body]).toEqual([
      202,
      { accepted: 1, duplicate: 0, rejected: 0, results: [{ index: 0, id: 'e1', status: 'accepted' }] },
    ])
    expect(bus.values()).toEqual([
      {
        tenantId: 'tenant-a',
        receivedAt: '2026-11-22T12:00:00.000Z',
        occurredAt: '2026-11-22T10:00:00.000Z',
        id: 'e1',
        source: 'backend',
        type: 'Feature Used',
        accountId: 'acme',
        userId: 'u-7',
        properties: {},
      },
    ])
    expect(bus.published[0]).toMatchObject({
      topic: 'usage.events',
      record: {
        key: 'tenant-a:acme',
        headers: { version: '1', kind: 'event', 'signed-at': expect.stringMatching(/^2026-11-22T12:00:00.000Z\./) },
      },
    })
    expect(eventRecordSchema.safeParse(bus.values()[0]).success).toBe(true)
  })
  it.each([
    ['a list', (events: unknown[]) => JSON.stringify(events), 'application/json'],
    ['a list in an object', (events: unknown[]) => JSON.stringify({ events }), 'application/json; charset=utf-8'],
    ['lines', (events: unknown[]) => events.map((each) => JSON.stringify(each)).join('\n'), 'application/x-ndjson'],
    [
      'lines with Windows ends',
      (events: unknown[]) => events.map((each) => `${JSON.stringify(each)}\r\n`).join(''),
      'application/x-ndjson',
    ],
  ])('%s', async (_name, write, type) => {
    const { status, body } = await sendText(write([event('e1'), event('e2'), event('e3')]), { type })
    expect([status, body.accepted]).toEqual([202, 3])
    expect(bus.values().map(({ id }) => id)).toEqual(['e1', 'e2', 'e3'])
  })
  it('of duplicate JSON keys the last wins', async () => {
    const text = '{"id":"first","id":"last","type":"t","accountId":"a","occurredAt":"2026-11-22T10:00:00Z"}'
    expect((await sendText(text)).body.results[0]?.id).toBe('last')
  })
  it('the longest names and texts beyond the first plane', async () => {
    const { status } = await send(event('😀'.repeat(128), { accountId: 'ü'.repeat(256), type: 'Ελληνικά' }))
    expect(status).toBe(202)
    expect(bus.values()[0]?.accountId).toBe('ü'.repeat(256))
  })
})

describe('verdicts item by item', () => {
  it('some rejected is 207: the good ones are published, each mistake has its pointer', async () => {
    const { status, body } = await send({
      events: [event('e1'), event('e2', { occurredAt: 'yesterday' }), 'x', event('e4')],
    })
    expect([status, body.accepted, body.rejected]).toEqual([207, 2, 2])
    expect(body.results.map((result) => result.status)).toEqual(['accepted', 'rejected', 'rejected', 'accepted'])
    expect(body.results[1]).toMatchObject({
      id: 'e2',
      retryable: false,
      problem: { errors: [{ pointer: '/events/1/occurredAt' }] },
    })
    expect(body.results[2]?.problem?.errors[0]?.pointer).toBe('/events/2')
    expect(bus.values().map(({ id }) => id)).toEqual(['e1', 'e4'])
  })
  it('all rejected is a 422 problem that also has the results', async () => {
    const sent = await send([{ type: 't' }, event('e2', { userId: '' })])
    expect([sent.status, sent.headers.get('content-type')]).toEqual([
      422,
      expect.stringContaining('application/problem+json'),
    ])
    expect(sent.body.errors?.map(({ pointer }) => pointer)).toEqual([
      '/0/id',
      '/0/accountId',
      '/0/occurredAt',
      '/1/userId',
    ])
    expect(sent.body).toMatchObject({
      code: 'events_rejected',
      accepted: 0,
      rejected: 2,
      results: [{ index: 0 }, { index: 1 }],
    })
    expect(bus.published).toEqual([])
  })
  it('a bad line of NDJSON is one rejected item', async () => {
    const { status, body } = await sendText(`${JSON.stringify(event('e1'))}\n{"id":\n`, {
      type: 'application/x-ndjson',
    })
    expect([status, body.results[1]?.problem?.errors]).toMatchObject([207, [{ pointer: '/1', code: 'invalid_json' }]])
  })
  it('a type that only Pulso itself records is refused with its pointer', async () => {
    const sent = await send([event('e1', { type: 'Onboarding Bypassed' }), event('e2')])
    expect([sent.status, sent.body.results[0]?.problem?.errors]).toMatchObject([
      207,
      [{ pointer: '/0/type', code: 'reserved_type' }],
    ])
    expect(bus.values().map(({ id }) => id)).toEqual(['e2'])
  })
  it('with ?atomic=true one mistake keeps all from being published', async () => {
    const sent = await send([event('e1'), event('e2', { type: '' })], { query: '?atomic=true' })
    expect(sent.status).toBe(422)
    expect(sent.body.results.map(({ status, retryable }) => [status, retryable])).toEqual([
      ['rejected', true],
      ['rejected', false],
    ])
    expect(sent.body.errors?.map(({ pointer }) => pointer)).toEqual(['/1/type'])
    expect(bus.published).toEqual([])
    expect((await send([event('e1'), event('e2')], { query: '?atomic=true' })).status).toBe(202)
  })
})

describe('instants', () => {
  it.each([
    ['5 minutes ahead', 5 * 60_000, {}, 202, undefined],
    ['a millisecond more', 5 * 60_000 + 1, {}, 422, 'in_the_future'],
    ['32 days ago', -32 * DAY_MS, {}, 202, undefined],
    ['a millisecond earlier', -32 * DAY_MS - 1, {}, 422, 'needs_backfill'],
    ['a millisecond earlier, as backfill', -32 * DAY_MS - 1, { mode: 'backfill' }, 202, undefined],
    ['400 days ago, as backfill', -400 * DAY_MS, { mode: 'backfill' }, 202, undefined],
    ['a millisecond earlier than that', -400 * DAY_MS - 1, { mode: 'backfill' }, 422, 'too_old'],
  ])('%s', async (_name, offsetMs, changes, status, code) => {
    const sent = await send(event('e1', { occurredAt: at(offsetMs), ...changes }))
    expect([sent.status, firstError(sent)?.code]).toEqual([status, code])
    if (code) expect(firstError(sent)?.pointer).toBe('/occurredAt')
    if ('mode' in changes && status === 202) expect(bus.values()[0]?.mode).toBe('backfill')
  })
  it.each([
    ['a day behind', -DAY_MS],
    ['an hour ahead', 3_600_000],
  ])('a client whose clock is %s is set right by sentAt', async (_name, wrongMs) => {
    const sentAt = at(wrongMs)
    const { status } = await send({ sentAt, events: [event('e1', { occurredAt: at(wrongMs - 60_000) })] })
    expect([status, bus.values()[0]?.occurredAt]).toEqual([202, at(-60_000)])
  })
  it('a sentAt that is no instant is 400 with its pointer', async () => {
    const sent = await send({ sentAt: 'now', events: [event('e1')] })
    expect([sent.status, firstError(sent)?.pointer]).toEqual([400, '/sentAt'])
  })
})

describe('a number that is computed with', () => {
  it.each([
    ['Subscription Started', 'mrr', -1e308],
    ['group', 'mrr', 1e308],
    ['identify', 'seats', 1e16],
    ['Plan Limit Approached', 'limit', 1e20],
    ['Cost Recorded', 'amount', -1.1e15],
  ])('of %s, %s of %d, is refused by its pointer', async (type, name, value) => {
    const sent = await send({ events: [event('e1'), event('e2', { type, properties: { [name]: value } })] })
    expect(sent.status).toBe(207)
    expect(sent.body.results[1]).toMatchObject({
      status: 'rejected',
      problem: { errors: [{ pointer: `/events/1/properties/${name}`, code: 'number_out_of_range' }] },
    })
  })
  it('of 1e15, and any number of a property of one’s own, is accepted', async () => {
    const { status } = await send([
      event('e1', { type: 'group', properties: { mrr: 1e15, wei: 1e20 } }),
      event('e2', { type: 'Token Sent', properties: { amount: 1e20 } }),
    ])
    expect(status).toBe(202)
  })
})

describe('the same id again', () => {
  it('with the same content is a duplicate, also with another sentAt, and is not published again', async () => {
    await send({ sentAt: at(-1_000), events: [event('e1')] })
    const { status, body } = await send({ sentAt: at(-500), events: [event('e1')] })
    expect([status, body.duplicate, bus.published.length]).toEqual([202, 1, 1])
  })
  it.each([
    ['properties', { properties: { a: 1 } }],
    ['instant', { occurredAt: '2026-11-22T10:00:01.000Z' }],
    ['user', { userId: 'other' }],
  ])('with another %s is a conflict, and the first content stays', async (_name, changes) => {
    await send(event('e1'))
    const { status, body } = await send([event('e1', changes), event('e2')])
    const problem = { code: 'conflict', errors: [{ pointer: '/0/id', code: 'conflict' }] }
    expect([status, body.results[0]]).toMatchObject([207, { status: 'conflict', retryable: false, problem }])
    expect(bus.published).toHaveLength(2)
    const alone = await send(event('e1', changes))
    expect([alone.status, alone.body.errors]).toMatchObject([422, [{ pointer: '/id', code: 'conflict' }]])
    expect((await send(event('e1'))).body.duplicate).toBe(1)
  })
  it('twice in one request counts once', async () => {
    const { status, body } = await send([event('e1'), event('e1'), event('e1', { type: 'other' })])
    expect([status, body.results.map((result) => result.status)]).toEqual([207, ['accepted', 'duplicate', 'conflict']])
    expect(bus.published).toHaveLength(1)
  })
  it('of another account is another event, as scoring counts it', async () => {
    const { status, body } = await send([event('e1'), event('e1', { accountId: 'other' }), event('e1')])
    expect([status, body.accepted, body.duplicate]).toEqual([202, 2, 1])
    expect((await send(event('e1', { accountId: 'other' }))).body.duplicate).toBe(1)
    // The length of each part counts, so that no two ways to cut one text are confused.
    expect((await send(event('e1', { accountId: 'ac' }))).body.accepted).toBe(1)
    expect((await send(event('mee1', { accountId: 'ac' }))).body.accepted).toBe(1)
  })
  it('of another tenant, source or split between source and id is another event', async () => {
    await send(event('b:c', { source: 'a' }))
    const { body } = await send([event('c', { source: 'a:b' }), event('b:c', { source: 'other' }), event('b:c')])
    expect(body.accepted).toBe(3)
    expect((await send(event('b:c', { source: 'a' }), { key: 'tenant-b' })).body.accepted).toBe(1)
    expect(bus.published.at(-1)?.record.key).toBe('tenant-b:acme')
  })
  it('while the first is under way is never called a duplicate before the log has it', async () => {
    let open = () => {}
    bus.gate = new Promise((resolve) => {
      open = resolve
    })
    const first = send(event('e1'))
    const second = send(event('e1'))
    await expect.poll(() => bus.attempts).toBe(2)
    bus.away = true
    open()
    expect([(await first).status, (await second).status]).toEqual([503, 503])
    bus.away = false
    bus.gate = undefined
    expect((await send(event('e1'))).body.accepted).toBe(1)
  })
})

describe('when the log is away', () => {
  it('the answer is 503 with Retry-After, nothing is remembered, and sending again is right', async () => {
    bus.away = true
    const { status, headers } = await send([event('e1'), event('e2')])
    expect(status).toBe(503)
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await fetch(`${server.base}/readyz`)).status).toBe(503)
    bus.away = false
    expect((await send([event('e1'), event('e2')])).body.accepted).toBe(2)
    expect(bus.published).toHaveLength(2)
  })
})

it('counts its verdicts', async () => {
  await send([event('e1'), event('e1'), event('e3', { type: '' })])
  const figures = await (await fetch(`${server.base}/metrics`)).text()
  for (const verdict of ['accepted', 'duplicate', 'rejected'])
    expect(figures).toContain(`pulso_ingest_events_total{verdict="${verdict}"} 1`)
  expect(figures).toContain('pulso_ingest_publish_seconds_count{outcome="acknowledged"} 1')
})
