import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { RoutesClient } from '../support/routes-client.ts'
import { type ScorerFixture, startScorer, type UsageRecord, usageRecord } from '../support/scoring/scorer.ts'

const DAY_MS = 86_400_000
let scorer: ScorerFixture
let api: RoutesClient

beforeAll(async () => {
  scorer = await startScorer()
  api = scorer.api
})
afterAll(() => scorer?.stop())

const send = async (accountId: string, ...records: UsageRecord[]) => {
  await scorer.send(...records)
  const events = `/v1/accounts/${accountId}/events?limit=500`
  await eventually(`${accountId} is scored`, async () => {
    if ((await api.status(events)) !== 200) return false
    return (await api.get<{ items: unknown[] }>(events)).items.length >= records.length
  })
}
const traits = (accountId: string, properties: object) => usageRecord(accountId, { type: 'group', properties })
const override = (accountId: string, score: number) =>
  api.send('PUT', `/v1/accounts/${accountId}/override`, { score, reason: 'for the test' })

type Shown = {
  parentId: string | null
  score: number | null
  rollUp: { children: number } | null
  expansionReadiness: { level: string; reasons: { signal: string; speaks: string; value: unknown }[] }
  renewalRisk: { level: string; score: number }
}
const account = (accountId: string) => api.get<Shown>(`/v1/accounts/${accountId}`)

it('shows the children of an account together, beside its own score', async () => {
  await send('group', usageRecord('group'))
  await send('a', usageRecord('a'), traits('a', { parentId: 'group', mrr: 30_000 }))
  await send('b', usageRecord('b'), traits('b', { parentId: 'group', mrr: 10_000 }))
  await send('free', usageRecord('free'), traits('free', { parentId: 'group', mrr: 0 }))
  await send('unscored', traits('unscored', { parentId: 'group', mrr: 5_000 }))
  await send('grandchild', usageRecord('grandchild'), traits('grandchild', { parentId: 'a', mrr: 70_000 }))
  for (const [accountId, score] of [
    ['a', 40],
    ['b', 80],
    ['free', 90],
  ] as const)
    await override(accountId, score)
  const { rollUp, score, parentId } = await account('group')
  expect(score).not.toBeNull()
  expect(parentId).toBeNull()
  expect(rollUp).toEqual({
    children: 4,
    scored: 3,
    meanScore: 70,
    mrrWeightedScore: 50,
    worst: { accountId: 'a', score: 40 },
    mrr: 45_000,
  })
  expect(await account('a')).toMatchObject({ parentId: 'group', rollUp: { children: 1 } })
  expect(await account('unscored')).toMatchObject({ score: null, rollUp: null })
})

it('rolls up children of which none has a score', async () => {
  await send('parent', usageRecord('parent'))
  await send('only', traits('only', { parentId: 'parent' }))
  expect((await account('parent')).rollUp).toEqual({
    children: 1,
    scored: 0,
    meanScore: null,
    mrrWeightedScore: null,
    worst: null,
    mrr: null,
  })
})

it('takes no harm from accounts that are their own parent, or each other’s', async () => {
  await send('self', usageRecord('self'), traits('self', { parentId: 'self' }))
  await send('egg', usageRecord('egg'), traits('egg', { parentId: 'hen' }))
  await send('hen', usageRecord('hen'), traits('hen', { parentId: 'egg' }))
  expect((await account('self')).rollUp).toBeNull()
  expect((await account('egg')).rollUp).toMatchObject({ children: 1 })
  expect((await account('hen')).rollUp).toMatchObject({ children: 1 })
})

it('says beside the score whether to expand and how safe the renewal is, in account and health alike', async () => {
  const renewalDate = new Date(Date.now() + 40 * DAY_MS).toISOString().slice(0, 10)
  await send(
    'risky',
    traits('risky', { seats: 1, renewalDate, autoRenew: false }),
    usageRecord('risky'),
    usageRecord('risky', { type: 'NPS Responded', properties: { score: 3 } }),
  )
  const shown = await account('risky')
  expect(shown.expansionReadiness.level).toBe('blocked')
  expect(shown.expansionReadiness.reasons.map(({ signal }) => signal)).toContain('detractor')
  expect(shown.renewalRisk.level).toMatch(/elevated|high/)
  const health = await api.get<Shown>('/v1/accounts/risky/health')
  expect(health.expansionReadiness).toEqual(shown.expansionReadiness)
  expect(health.renewalRisk).toEqual(shown.renewalRisk)
  const past = await api.get<Shown>(`/v1/accounts/risky/health?at=${new Date().toISOString()}`)
  expect(past.renewalRisk).toEqual(shown.renewalRisk)
})
