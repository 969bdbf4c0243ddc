import { randomUUID } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import type { Bus } from '#libs/bus/bus.ts'
import { armFailpoints } from '#libs/runtime/failpoint.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { scoringConfigSchema } from '../../services/scoring/config.ts'
import { createScoring } from '../../services/scoring/service.ts'
import { eventually } from '../support/eventually.ts'
import { findTexts } from '../support/find-text.ts'
import { createTestPlatform } from '../support/processes/platform.ts'
import { createRoutesClient } from '../support/routes-client.ts'
import { usageRecord } from '../support/scoring/scorer.ts'

type Letter = {
  readonly id: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly reason: string
  readonly status: string
  readonly headers?: Record<string, string>
  readonly value?: string
}
type Page = { readonly items: readonly Letter[]; readonly nextCursor: string | null }

const WARM = 'default:warm'

/** The promises of the routes about dead letters, whatever the log is. */
export const deadLetterSuite = (createBus: () => Bus | undefined): void => {
  const start = async () => {
    const bus = createBus()
    const test = await createTestPlatform(bus ? { bus } : {})
    onTestFinished(test.stop)
    const service = createScoring(test.platform, scoringConfigSchema.parse({}))
    await test.prepare(service)
    await service.start()
    onTestFinished(service.stop)
    const api = await createRoutesClient({ ...test.platform, metrics: createMetrics() }, service)
    onTestFinished(api.close)
    const list = async (query = ''): Promise<Page> => {
      const { items, nextCursor } = await api.get<Page>(`/v1/dead-letters${query}`)
      return { items: items.filter(({ key }) => key !== WARM), nextCursor }
    }
    const listed = async (count: number): Promise<readonly Letter[]> => {
      await eventually('the letters are listed', async () => (await list()).items.length === count)
      return (await list()).items
    }
    const { platform } = test
    const send = (...records: Parameters<Bus['publish']>[1]) => platform.bus.publish('usage.events', records)
    // A broker may store the first records of a fresh topic twice, while it elects the leader.
    await send({ key: WARM, value: Buffer.from('{'), headers: { kind: 'event' } })
    await eventually('the topics are written', async () => (await api.get<Page>('/v1/dead-letters')).items.length > 0)
    await platform.database.query('delete from scoring.dead_letter')
    return { ...platform, api, list, listed, send }
  }
  /** An event that is read today, and was refused by the reader of yesterday. */
  const refused = () => {
    const { key, value, headers } = usageRecord('acme', { id: 'refused-1' })
    return {
      key,
      value,
      headers: {
        ...headers,
        'dead-reason': 'the reader of yesterday did not know it',
        'dead-topic': 'usage.events',
        'dead-partition': '3',
        'dead-offset': '77',
        'dead-at': '2026-11-30T10:00:00.000Z',
      },
    }
  }
  const countEvents = async (api: {
    status: (path: string) => Promise<number>
    get: <B>(path: string) => Promise<B>
  }) =>
    (await api.status('/v1/accounts/acme')) === 200
      ? (await api.get<{ items: unknown[] }>('/v1/accounts/acme/events')).items.length
      : 0

  it('a record that cannot be read is listed with its place and reason, and shown with its original bytes', async () => {
    const { api, listed, list, send } = await start()
    const bytes = Buffer.from('{"no": "event", \u0000')
    await send({ key: 'default:acme', value: bytes, headers: { kind: 'event', mine: 'yes' } })
    const [letter] = await listed(1)
    expect(letter).toMatchObject({ topic: 'usage.events', key: 'default:acme', status: 'waiting' })
    expect(letter!.reason).toContain('not JSON')
    expect(letter).not.toHaveProperty('value')
    const shown = await api.get<Letter>(`/v1/dead-letters/${letter!.id}`)
    expect(Buffer.from(shown.value!, 'base64')).toEqual(bytes)
    expect(shown.headers).toEqual({ kind: 'event', mine: 'yes', 'signed-at': expect.any(String) })
    for (const [query, count] of [
      ['?topic=usage.events', 1],
      ['?topic=account.health', 0],
      ['?reason=NOT%20json', 1],
      ['?reason=other', 0],
      ['?to=2020-01-01T00:00:00Z', 0],
      ['?from=2020-01-01T00:00:00Z', 1],
    ] as const)
      expect([query, (await list(query)).items.length]).toEqual([query, count])
    expect(await api.status(`/v1/dead-letters/${randomUUID()}`)).toBe(404)
  })

  it('a replayed letter counts once, goes the way of any record, and cannot be replayed again', async () => {
    const { api, bus, listed, send, database } = await start()
    await bus.publish('usage.events.dead', [refused()])
    const [letter] = await listed(1)
    expect(letter).toMatchObject({ partition: 3, offset: 77, reason: 'the reader of yesterday did not know it' })
    expect(await api.send('POST', `/v1/dead-letters/${letter!.id}/replay`)).toMatchObject({
      status: 202,
      body: { replayed: 1 },
    })
    await eventually('it counts', async () => (await countEvents(api)) === 1)
    expect(await api.send('POST', `/v1/dead-letters/${letter!.id}/replay`)).toMatchObject({ status: 409 })
    expect((await listed(1))[0]!.status).toBe('replayed')
    // A letter that is replayed a second time, as after a crash, changes nothing.
    await send(usageRecord('acme', { id: 'refused-1' }), usageRecord('acme', { id: 'another' }))
    await eventually('the other counts', async () => (await countEvents(api)) === 2)
    const audit = await database.query('select distinct action from access.audit')
    expect(audit).toEqual([{ action: 'dead_letter.replayed' }])
  })

  it('a letter whose replay crashed between publish and mark waits on, and counts once when it is replayed again', async () => {
    const { api, bus, listed, database } = await start()
    await bus.publish('usage.events.dead', [refused()])
    const [letter] = await listed(1)
    const path = `/v1/dead-letters/${letter!.id}`
    let wake = (): void => {}
    const asleep = new Promise<void>((resolve) => {
      wake = resolve
    })
    armFailpoints([{ name: 'scoring.replay.published', effect: () => asleep, sleepMs: 0, hit: 1 }])
    onTestFinished(() => armFailpoints([]))
    const crashed = api.send('POST', `${path}/replay`)
    await eventually('it counts', async () => (await countEvents(api)) === 1)
    // Until the claim has lapsed, nobody else gets it.
    for (const [method, asked] of [
      ['POST', `${path}/replay`],
      ['DELETE', path],
    ] as const)
      expect(await api.send(method, asked)).toMatchObject({ status: 409, body: { code: 'being_replayed' } })
    expect((await listed(1))[0]!.status).toBe('waiting')
    await database.query("update scoring.dead_letter set claimed_until = now() - interval '1 second'")
    expect((await api.send('POST', `${path}/replay`)).body).toEqual({ replayed: 1 })
    wake()
    expect((await crashed).status).toBe(409)
    await bus.publish('usage.events', [usageRecord('acme', { id: 'another' })])
    await eventually('the other counts', async () => (await countEvents(api)) >= 2)
    expect(await countEvents(api)).toBe(2)
    expect((await listed(1))[0]!.status).toBe('replayed')
  })

  it('a replay after the account was erased does not bring it back', async () => {
    const { api, bus, listed, send } = await start()
    const event = refused()
    await send(usageRecord('acme'))
    await eventually('it is scored', async () => (await countEvents(api)) === 1)
    expect((await api.send('DELETE', '/v1/accounts/acme')).status).toBe(204)
    // Its letters went with it: this one was on its way.
    await bus.publish('usage.events.dead', [event])
    const [letter] = await listed(1)
    expect((await api.send('POST', `/v1/dead-letters/${letter!.id}/replay`)).status).toBe(202)
    // Behind it on its partition: what happens after the erasure begins a new account.
    await send(usageRecord('acme', { id: 'afterwards' }))
    await eventually('the log is read', async () => (await countEvents(api)) > 0)
    const { items } = await api.get<{ items: readonly { id: string }[] }>('/v1/accounts/acme/events')
    expect(items.map(({ id }) => id)).toEqual(['afterwards'])
  })

  it('letters are replayed by a filter, and a dropped one is not', async () => {
    const { api, listed, send } = await start()
    await send(
      ...['a', 'b', 'c'].map((name) => ({
        key: `default:${name}`,
        value: Buffer.from('{'),
        headers: { kind: 'event' },
      })),
    )
    const letters = await listed(3)
    const dropped = `/v1/dead-letters/${letters[0]!.id}`
    expect((await api.send('DELETE', dropped)).status).toBe(204)
    expect((await api.send('DELETE', dropped)).status).toBe(409)
    expect((await api.send('POST', '/v1/dead-letters/replay', { topic: 'other' })).body).toEqual({ replayed: 0 })
    expect(await api.send('POST', '/v1/dead-letters/replay', { reason: 'json' })).toMatchObject({
      status: 202,
      body: { replayed: 2 },
    })
    // They still cannot be read: each is a letter of its own again.
    const after = await listed(5)
    expect(after.map(({ status }) => status).sort()).toEqual(['dropped', 'replayed', 'replayed', 'waiting', 'waiting'])
    expect((await api.send('POST', '/v1/dead-letters/replay', { nonsense: 1 })).status).toBe(422)
  })

  it('pages hold each letter once, newest first', async () => {
    const { list, listed, send } = await start()
    for (let i = 0; i < 5; i++)
      await send({ key: `default:a${i}`, value: Buffer.from('{'), headers: { kind: 'event' } })
    const all = (await listed(5)).map(({ id }) => id)
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Page = await list(`?limit=2${cursor && `&cursor=${cursor}`}`)
      seen.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor
    }
    expect(seen).toEqual(all)
  })

  it('an erasure of the account removes its letters', async () => {
    const { api, bus, listed, database, send } = await start()
    await send(usageRecord('canary'), usageRecord('other'))
    await bus.publish('usage.events.dead', [{ ...refused(), key: 'default:canary' }, refused()])
    await listed(2)
    await eventually('both are scored', async () => (await api.status('/v1/accounts/canary')) === 200)
    expect((await api.send('DELETE', '/v1/accounts/canary')).status).toBe(204)
    expect((await listed(1))[0]!.key).toBe('default:acme')
    expect(await findTexts(database, ['default:canary'])).not.toContain('scoring.dead_letter')
  })
}
