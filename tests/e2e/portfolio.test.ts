import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { startScorer, usageRecord } from '../support/scoring/scorer.ts'

test('the portfolio adds up the tenant’s accounts as they are now, without those that have churned', async () => {
  const { api, send, stop } = await startScorer()
  onTestFinished(stop)
  const books = [
    ['a', 90, 30_000],
    ['b', 60, 10_000],
    ['c', 40, 20_000],
    ['d', 10, 40_000],
  ] as const
  for (const [id, , mrr] of books) await send(usageRecord(id), usageRecord(id, { type: 'group', properties: { mrr } }))
  await send(usageRecord('unscored', { type: 'group', properties: { plan: 'free' } }))
  await send(usageRecord('gone'), usageRecord('gone', { type: 'Account Deleted' }))
  for (const id of [...books.map(([one]) => one), 'unscored', 'gone'])
    await eventually(`${id} is scored`, async () => (await api.status(`/v1/accounts/${id}`)) === 200)
  await eventually(
    'one is gone',
    async () => (await api.get<{ items: unknown[] }>('/v1/accounts?stage=churned')).items.length === 1,
  )
  await eventually(
    'all revenue is known',
    async () => (await api.get<{ mrr: number }>('/v1/portfolio')).mrr === 100_000,
  )
  for (const [id, score] of books)
    await api.send('PUT', `/v1/accounts/${id}/override`, { score, reason: 'for the test' })
  const found = await api.get<{ bands: object; stages: object }>('/v1/portfolio')
  expect(found).toMatchObject({
    accounts: 5,
    scored: 4,
    meanScore: 50,
    mrrWeightedScore: 45,
    mrr: 100_000,
    mrrAtRisk: 60_000,
    bands: {
      healthy: { accounts: 1, mrr: 30_000 },
      watch: { accounts: 1, mrr: 10_000 },
      at_risk: { accounts: 1, mrr: 20_000 },
      critical: { accounts: 1, mrr: 40_000 },
      insufficient_data: { accounts: 1, mrr: 0 },
    },
    stages: { onboarding: { accounts: 5 }, churned: { accounts: 1 } },
  })
})
