import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RoutesClient } from '../support/routes-client.ts'
import { type ScorerFixture, startScorer, type UsageRecord, usageRecord } from '../support/scoring/scorer.ts'

let scorer: ScorerFixture
let api: RoutesClient

beforeAll(async () => {
  scorer = await startScorer()
  api = scorer.api
})
afterAll(() => scorer?.stop())

const record = usageRecord
const send = (...records: UsageRecord[]) => scorer.send(...records)

type Page<Item> = { items: Item[]; nextCursor: string | null }
type ChangeItem = {
  sequence: number
  backfill: boolean
  cause: string
  health: { score: number | null; previousScore: number | null }
  explanation: { delta: number; cause: string }[]
}
const eventsOf = async (accountId: string) =>
  (await api.get<Page<{ id: string }>>(`/v1/accounts/${accountId}/events?limit=500`)).items
const counted = (accountId: string, count: number) =>
  expect.poll(async () => (await eventsOf(accountId).catch(() => [])).length, { timeout: 20_000 }).toBe(count)

it('scores an account from its events within moments and says what the score is made of', async () => {
  await send(record('acme'), record('acme', { userId: 'u-2' }), record('acme', { agoMs: 86_400_000 }))
  await counted('acme', 3)
  const health = await api.get<{
    score: number
    groups: { group: string; contribution: number }[]
    caps: { delta: number }[]
  }>('/v1/accounts/acme/health')
  const total =
    health.groups.reduce((sum, group) => sum + group.contribution, 0) +
    health.caps.reduce((sum, cap) => sum + cap.delta, 0)
  expect(health.groups).toHaveLength(7)
  expect(health.score).toBeGreaterThan(0)
  expect(total).toBeCloseTo(health.score, 9)
})

it('counts an event sent three times once, in one batch and in several', async () => {
  const twice = record('dupes', { id: 'same' })
  await send(twice, twice)
  await send(twice, record('dupes', { id: 'other' }))
  await counted('dupes', 2)
  expect((await eventsOf('dupes')).map((event) => event.id).sort()).toEqual(['other', 'same'])
})

it('explains every change by deltas that sum exactly to the change of the score, numbered without gaps', async () => {
  for (let day = 20; day >= 0; day--)
    await send(record('explained', { agoMs: day * 86_400_000, userId: `u-${day % 3}` }))
  await send(record('explained', { type: 'Payment Failed', properties: { invoiceId: 'i-1' }, agoMs: 20 * 86_400_000 }))
  await counted('explained', 22)
  const { items } = await api.get<Page<ChangeItem>>('/v1/accounts/explained/changes?limit=500')
  expect(items.map((change) => change.sequence)).toEqual(items.map((_, i) => items.length - i))
  for (const { health, explanation } of items) {
    const sum = explanation.reduce((total, line) => total + Math.round(line.delta * 10_000), 0)
    expect(sum).toBe(Math.round(((health.score ?? 0) - (health.previousScore ?? 0)) * 10_000))
  }
  expect(items.some((change) => change.cause === 'late_data')).toBe(true)
  const health = await api.get<{ caps: { cap: string }[]; score: number }>('/v1/accounts/explained/health')
  expect(health.caps.map((cap) => cap.cap)).toContain('payment_failed')
  expect(health.score).toBeLessThanOrEqual(49)
})

it('keeps what backfill leads to in changes of its own', async () => {
  await send(record('past', { mode: 'backfill', agoMs: 40 * 86_400_000 }), record('past'))
  await counted('past', 2)
  const { items } = await api.get<Page<ChangeItem>>('/v1/accounts/past/changes')
  expect(items.at(-1)?.backfill).toBe(true)
  expect(items[0]?.backfill).toBe(false)
})

it('answers as of now exactly what it has stored, from the retained events', async () => {
  await counted('explained', 22)
  const at = new Date().toISOString()
  const stored = await api.get<Record<string, unknown>>('/v1/accounts/explained/health')
  const replayed = await api.get<Record<string, unknown>>(`/v1/accounts/explained/health?at=${at}`)
  for (const name of ['score', 'confidence', 'stage', 'groups', 'caps']) expect(replayed[name]).toEqual(stored[name])
})

it('pages through accounts, timeline and history without missing or repeating one', async () => {
  for (let i = 0; i < 7; i++) await send(record(`page-${i}`))
  for (let i = 0; i < 7; i++) await counted(`page-${i}`, 1)
  for (const sort of ['score', '-score', 'mrr', '-accountId']) {
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page: Page<{ accountId: string }> = await api.get(
        `/v1/accounts?q=page-&limit=3&sort=${sort}${cursor === null ? '' : `&cursor=${cursor}`}`,
      )
      seen.push(...page.items.map((item) => item.accountId))
      cursor = page.nextCursor
    } while (cursor !== null)
    expect(seen.sort()).toEqual(Array.from({ length: 7 }, (_, i) => `page-${i}`))
  }
})

it('answers 404 for an account it does not have, on every route', async () => {
  for (const path of ['', '/health', '/health?at=2026-01-01T00:00:00.000Z', '/history', '/changes', '/events']) {
    expect(await api.status(`/v1/accounts/nobody${path}`)).toBe(404)
  }
})
