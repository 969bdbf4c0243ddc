import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { accountKey } from '#libs/contracts/topics.ts'
import { eventually } from '../support/eventually.ts'
import { createManualClock, type ManualClock } from '../support/manual-clock.ts'
import type { RoutesClient } from '../support/routes-client.ts'
import { anyEvents, event, NOW } from '../support/scoring/account-history.ts'
import { type ScorerFixture, startScorer } from '../support/scoring/scorer.ts'
import { testSigner } from '../support/scoring/usage-signer.ts'

const DAY_MS = 86_400_000
const RUNS = 15
let scorer: ScorerFixture
let api: RoutesClient
let clock: ManualClock

beforeAll(async () => {
  clock = createManualClock(NOW)
  scorer = await startScorer(clock)
  api = scorer.api
})
afterAll(() => scorer?.stop())

type Sent = {
  readonly id: string
  readonly type: string
  readonly source?: string
  readonly userId: string | null
  readonly occurredAt: number
  readonly properties: object
}
const send = (accountId: string, events: readonly Sent[], mode = 'live') =>
  scorer.send(
    ...events.map((event) => ({
      key: accountKey('default', accountId),
      headers: testSigner.sign('event', 'default', clock.now()),
      value: Buffer.from(
        JSON.stringify({
          source: 'web',
          ...event,
          accountId,
          tenantId: 'default',
          mode,
          occurredAt: new Date(event.occurredAt).toISOString(),
          receivedAt: new Date(clock.now()).toISOString(),
        }),
      ),
    })),
  )
const counted = (accountId: string, count: number) =>
  eventually(`${count} events of ${accountId} are counted`, async () => {
    const path = `/v1/accounts/${accountId}/events?limit=500`
    return (await api.status(path)) === 200 && (await api.get<{ items: unknown[] }>(path)).items.length === count
  })

type Health = {
  at: string
  band: unknown
  score: number | null
  sequence: number
  facts: Record<string, unknown>
  expansionReadiness: unknown
  renewalRisk: unknown
}
const health = (accountId: string, query = '') => api.get<Health>(`/v1/accounts/${accountId}/health${query}`)
type Point = { at: string; score: number | null; band: unknown; markers: string[] }
const history = async (accountId: string, query: string, limit = 7): Promise<Point[]> => {
  const points: Point[] = []
  let cursor = ''
  for (;;) {
    const page = await api.get<{ items: Point[]; nextCursor: string | null }>(
      `/v1/accounts/${accountId}/history?limit=${limit}&${query}${cursor}`,
    )
    points.push(...page.items)
    if (page.nextCursor === null) return points
    cursor = `&cursor=${page.nextCursor}`
  }
}

/**
 * The band, and what is measured against what was published, depend on the way; all else is a
 * function of the events.
 */
const withoutPath = ({ band, expansionReadiness, renewalRisk, ...health }: Health) => {
  const { band: _, scoreDelta7d, scoreDelta28d, ...facts } = health.facts
  return { ...health, facts }
}

it('answers as of now exactly what it has stored, for any events in any order and any batches', async () => {
  let run = 0
  const sets = fc.tuple(
    anyEvents(30).map((events) => events.filter(({ type }) => type !== 'Onboarding Bypassed')),
    fc.array(fc.nat({ max: 60 }), { maxLength: 3 }),
  )
  await fc.assert(
    fc.asyncProperty(sets, async ([events, cuts]) => {
      fc.pre(events.length > 0)
      const accountId = `any-${run++}`
      const places = [0, ...cuts.sort((a, b) => a - b), events.length]
      for (let i = 1; i < places.length; i++) await send(accountId, events.slice(places[i - 1], places[i]))
      await counted(accountId, events.length)
      const stored = await health(accountId)
      expect(withoutPath(await health(accountId, `?at=${stored.at}`))).toEqual(withoutPath(stored))
    }),
    { numRuns: RUNS },
  )
})

it('measures the move of a score against the score published last by that time, 7 and 28 days before', async () => {
  for (let round = 0; round < 30; round++) {
    const events = Array.from({ length: round % 4 }, (_, i) => ({
      id: `move-${round}-${i}`,
      type: i === 2 ? 'Payment Failed' : 'Feature Used',
      userId: `u-${(round + i) % 5}`,
      occurredAt: clock.now() - i * 1_000,
      properties: { feature: `f-${i}`, core: true },
    }))
    if (events.length > 0) {
      const before =
        round === 1 ? 0 : (await api.get<{ items: unknown[] }>('/v1/accounts/moving/events?limit=500')).items.length
      // Two changes on a day, where there are two events.
      await send('moving', events.slice(0, 1))
      await counted('moving', before + 1)
      await send('moving', events.slice(1))
      await counted('moving', before + events.length)
    }
    if (round > 0) {
      const { facts, at, score } = await health('moving')
      const points = await history('moving', 'resolution=change')
      for (const days of [7, 28]) {
        const before = Date.parse(at) - days * DAY_MS
        const past = points.findLast((point) => Date.parse(point.at) <= before)?.score ?? null
        const expected = past === null || score === null ? null : Math.round((score - past) * 10_000) / 10_000
        expect([round, days, facts[`scoreDelta${days}d`]]).toEqual([round, days, expected])
      }
    }
    clock.advance(1.37 * DAY_MS)
  }
  const { facts } = await health('moving')
  expect(facts.scoreDelta28d).not.toBeNull()
})

it('shows the last point of each local day, page by page, within from and to', async () => {
  // Days that are over: the last one may still be written to.
  const over = `to=${new Date(clock.now() - DAY_MS).toISOString()}`
  const points = await history('moving', `resolution=change&${over}`)
  const lastOfDays = [...new Map(points.map((point) => [point.at.slice(0, 10), point])).values()]
  expect(lastOfDays.length).toBeGreaterThan(20)
  expect(lastOfDays.length).toBeLessThan(points.length)
  expect(await history('moving', `resolution=day&${over}`)).toEqual(lastOfDays)
  const [from, to] = [lastOfDays[5]!.at, lastOfDays[15]!.at]
  expect(await history('moving', `resolution=day&from=${from}&to=${to}`)).toEqual(lastOfDays.slice(5, 16))
})

it('says which instant of the query is none', async () => {
  for (const [path, name] of [
    ['health', 'at'],
    ['history', 'from'],
    ['history', 'to'],
  ])
    expect(await api.send('GET', `/v1/accounts/moving/${path}?${name}=2026-02-30T00:00:00Z`)).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: `/query/${name}` }] },
    })
})

it('has the days before the first change that a backfill tells of, each as it stands as of its end, on pages of any size', async () => {
  const told = Array.from({ length: 60 }, (_, i) =>
    event('Feature Used', 40 - i / 2, { feature: `f-${i % 7}`, core: true }, `u-${i % 11}`),
  )
  await send('told-later', told, 'backfill')
  await counted('told-later', told.length)
  await send('lived', [{ ...told[0]!, occurredAt: clock.now() }])
  await counted('lived', 1)
  const points = await history('told-later', 'resolution=day')
  const past = points.filter(({ at }) => Date.parse(at) < clock.now() - DAY_MS)
  expect(past.length).toBeGreaterThan(20)
  expect(new Set(past.map(({ score }) => score)).size).toBeGreaterThan(5)
  for (const point of past) {
    expect(point.markers).toEqual(['backfill'])
    const { score, band } = await health('told-later', `?at=${point.at}`)
    expect({ score, band }).toEqual({ score: point.score, band: point.band })
  }
  expect(await history('told-later', 'resolution=day', 500)).toEqual(points)
  const from = past[5]!.at
  expect(await history('told-later', `from=${from}`)).toEqual(points.filter(({ at }) => at >= from))
  expect(await history('lived', 'resolution=day')).toHaveLength(1)
})
