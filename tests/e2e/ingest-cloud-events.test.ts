import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRecordingBus, type RecordingBus } from '../support/bus/recording-bus.ts'
import { type IngestServer, type SendOptions, sendEvents, startIngest } from '../support/ingest/ingest-server.ts'
import { createManualClock } from '../support/manual-clock.ts'

const clock = createManualClock(Date.parse('2026-11-22T12:00:00.000Z'))
let bus: RecordingBus
let server: IngestServer
beforeEach(async () => {
  bus = createRecordingBus()
  server = await startIngest(bus, clock)
})
afterEach(() => server.app.close())

const send = (body: unknown, options?: SendOptions) => sendEvents(server.base, JSON.stringify(body), options)

describe('CloudEvents 1.0', () => {
  const cloud = (id: string, changes: Record<string, unknown> = {}) => ({
    specversion: '1.0',
    id,
    source: '/shop',
    type: 'Feature Used',
    subject: 'acme',
    userid: 'u-7',
    time: '2026-11-22T10:00:00Z',
    data: { feature: 'reports' },
    ...changes,
  })
  const mapped = {
    id: 'c1',
    source: '/shop',
    type: 'Feature Used',
    accountId: 'acme',
    userId: 'u-7',
    properties: { feature: 'reports' },
  }
  it('structured', async () => {
    const type = 'application/cloudevents+json; charset=utf-8'
    expect((await send(cloud('c1'), { type })).status).toBe(202)
    expect((await send(cloud('c2', { accountid: 'globex' }), { type })).status).toBe(202)
    expect(bus.values()).toMatchObject([mapped, { id: 'c2', accountId: 'globex' }])
  })
  it('a batch, with pointers in CloudEvents’ own names', async () => {
    const bad = [{ time: 'x' }, { data: [1] }, { specversion: '0.3' }, { subject: undefined }].map((changes, index) =>
      cloud(`b${index}`, changes),
    )
    const sent = await send([cloud('c1'), ...bad], { type: 'application/cloudevents-batch+json' })
    expect([sent.status, sent.body.accepted]).toEqual([207, 1])
    const pointers = sent.body.results.flatMap((result) => result.problem?.errors.map((error) => error.pointer) ?? [])
    expect(pointers).toEqual(['/1/time', '/2/data', '/3/specversion', '/4/subject'])
  })
  it('binary', async () => {
    const { specversion, id, source, subject, userid, time } = cloud('c1')
    const attributes = { specversion, id, source, type: 'Feature%20Used', subject, userid, time }
    const headers = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]))
    expect((await send({ feature: 'reports' }, { headers })).status).toBe(202)
    expect(bus.values()).toMatchObject([mapped])
  })
  it('binary without data, and so without a type of it', async () => {
    const headers = { 'ce-specversion': '1.0', 'ce-id': 'c1', 'ce-source': 's', 'ce-type': 't', 'ce-subject': 'acme' }
    const answer = await fetch(`${server.base}/v1/events`, {
      method: 'POST',
      headers: { authorization: 'Bearer tenant-a', ...headers },
    })
    expect(answer.status).toBe(202)
    expect(bus.values()).toMatchObject([{ id: 'c1', accountId: 'acme', properties: {} }])
  })
  it('without a time counts at its receipt, and is still known when sent again', async () => {
    const type = 'application/cloudevents+json'
    await send(cloud('c1', { time: undefined }), { type })
    clock.advance(5)
    expect((await send(cloud('c1', { time: undefined }), { type })).body.duplicate).toBe(1)
    expect(bus.values()[0]?.occurredAt).toBe('2026-11-22T12:00:00.000Z')
  })
})
