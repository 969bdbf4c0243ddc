import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type ScorerFixture, startScorer, usageRecord } from '../support/scoring/scorer.ts'

/** What the door lets through at most, and what older versions let through. */
const EXTREMES = [1e15, -1e15, 1e15 - 1, 1e-320, 5e-324, -0, 0.1 + 0.2, 1e-7]
const BEYOND = [1e308, -1e308, 1e304, 1e16]
const types = (n: number): readonly (readonly [string, object])[] => [
  ['group', { mrr: n, seats: n, termMonths: n, renewalDate: '2027-01-01', weight: n }],
  ['Subscription Started', { mrr: n, termMonths: n, plan: 'pro' }],
  ['Subscription Renewed', { mrr: n, termMonths: n }],
  ['Plan Limit Approached', { used: n, limit: n }],
  ['Invoice Paid', { amount: n }],
  ['Cost Recorded', { amount: n }],
  ['NPS Responded', { score: n }],
  ['CSAT Responded', { score: n, scale: n }],
  ['Support Ticket Opened', { ticketId: 't', priority: n }],
  ['Onboarding Started', { targetDays: n, steps: ['a'] }],
  ['Feature Used', { feature: 'reports', core: true, amount: n }],
]
let scorer: ScorerFixture
const accounts = EXTREMES.map((_, i) => `extreme-${i}`)

beforeAll(async () => {
  scorer = await startScorer()
  await scorer.send(
    ...EXTREMES.flatMap((n, i) =>
      types(n).map(([type, properties]) => usageRecord(accounts[i]!, { type, properties })),
    ),
  )
  await eventually('all are scored', async () => {
    const { items } = await scorer.api.get<{ items: unknown[] }>('/v1/accounts')
    return items.length === accounts.length
  })
})
afterAll(() => scorer?.stop())

const LISTS = ['', '?sort=mrr', '?sort=-mrr', '?minMrr=-1e15&maxMrr=1e15', '?sort=-score', '?trait.weight=1']
const VIEWS = ['', '/health', '/history', '/changes', '/events', '/journey']

test.each(LISTS.map((query) => `/v1/accounts${query}`))(
  '%s answers for accounts with extreme numbers',
  async (path) => {
    expect(await scorer.api.status(path)).toBeLessThan(500)
  },
)

test('the portfolio and every view of such an account answer 200', async () => {
  expect(await scorer.api.status('/v1/portfolio')).toBe(200)
  for (const account of accounts)
    for (const view of VIEWS)
      expect([view, await scorer.api.status(`/v1/accounts/${account}${view}`)]).toEqual([view, 200])
})

test('numbers beyond the limit are parked by the reader of the topic', async () => {
  await scorer.send(
    ...BEYOND.flatMap((n) =>
      types(n)
        .slice(0, 6)
        .map(([type, properties]) => usageRecord('beyond', { type, properties })),
    ),
    usageRecord('beyond'),
  )
  await eventually('the good one is scored', async () => (await scorer.api.status('/v1/accounts/beyond')) === 200)
  const { items } = await scorer.api.get<{ items: unknown[] }>('/v1/accounts/beyond/events')
  expect(items).toHaveLength(1)
})

const migration = readFileSync(
  new URL('../../services/scoring/migrations/013_bounded_numbers.sql', import.meta.url),
  'utf8',
)

test('money that an older version stored beyond the limit reads as unknown from the upgrade on', async () => {
  await scorer.send(usageRecord('old', { type: 'Subscription Started', properties: { mrr: 100, plan: 'pro' } }))
  await eventually('it is scored', async () => (await scorer.api.status('/v1/accounts/old')) === 200)
  for (const bad of ['-Infinity', 'Infinity', 'NaN', '1e308']) {
    for (const table of ['account', 'account_profile'])
      await scorer.database.query(`update scoring.${table} set mrr = $1 where account_id = 'old'`, [bad])
    for (const statement of migration.split(';').slice(0, -1)) await scorer.database.query(statement)
    for (const path of ['/v1/accounts', '/v1/accounts?sort=-mrr', '/v1/portfolio'])
      expect([bad, path, await scorer.api.status(path)]).toEqual([bad, path, 200])
    expect(await scorer.api.get('/v1/accounts/old')).toMatchObject({ mrr: null })
  }
})
