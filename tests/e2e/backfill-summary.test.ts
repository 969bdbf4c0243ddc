import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { createManualClock, type ManualClock } from '../support/manual-clock.ts'
import { type ScorerFixture, startScorer, usageRecord } from '../support/scoring/scorer.ts'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

let clock: ManualClock
let scorer: ScorerFixture
beforeAll(async () => {
  clock = createManualClock(Date.now())
  scorer = await startScorer(clock)
})
afterAll(() => scorer?.stop())

type Backfill = {
  source: string
  state: string
  events: number
  accounts: number
  bandMoves: { from: string | null; to: string; accounts: number }[]
}
const backfills = async (query = ''): Promise<{ items: Backfill[]; nextCursor: string | null }> =>
  scorer.api.get(`/v1/backfills${query}`)

const past = (accountId: string, daysAgo: number, source = 'warehouse', given: object = {}) => {
  const record = usageRecord(accountId, { mode: 'backfill', agoMs: daysAgo * DAY_MS, ...given })
  return { ...record, value: Buffer.from(record.value.toString().replace('"source":"web"', `"source":"${source}"`)) }
}
const countedIn = (source: string, events: number): Promise<void> =>
  eventually(`${events} events of ${source} are counted`, async () =>
    (await backfills()).items.some((one) => one.source === source && one.events === events),
  )

test('a backfill says which accounts it has touched and how their bands moved, until it ends by silence', async () => {
  const history = ['acme', 'bolt', 'core'].flatMap((accountId) =>
    Array.from({ length: 40 }, (_, day) => past(accountId, day + 1)),
  )
  await scorer.send(...history, ...history.slice(0, 10), usageRecord('live-only'))
  await countedIn('warehouse', history.length)
  const crm = past('acme', 20, 'crm', { type: 'Subscription Canceled', properties: { subscriptionId: 's' } })
  await scorer.send(crm)
  await countedIn('crm', 1)
  const running = (await backfills()).items
  expect(running).toMatchObject([
    { source: 'crm', state: 'running', accounts: 1 },
    { source: 'warehouse', state: 'running', accounts: 3 },
  ])
  expect(running[1]!.bandMoves.map(({ from, accounts }) => [from, accounts])).toEqual([[null, 3]])
  const [move] = running[0]!.bandMoves
  expect(move).toMatchObject({ to: 'critical', accounts: 1 })

  clock.advance(7 * MINUTE_MS)
  await eventually('they are summed up', async () => {
    clock.advance(1_000)
    const rows = await scorer.database.query('select from scoring.backfill where summed_up_at is null')
    return rows.length === 0
  })
  expect(await scorer.database.query('select from scoring.backfill_account')).toEqual([])
  const ended = (await backfills()).items
  expect(ended).toEqual(running.map((one) => ({ ...one, state: 'ended' })))

  await scorer.send(past('acme', 3))
  await eventually('a later one is a run of its own', async () => (await backfills()).items.length === 3)
  expect((await backfills()).items[0]).toMatchObject({
    source: 'warehouse',
    state: 'running',
    events: 1,
    bandMoves: [],
  })
  const first = await backfills('?limit=2')
  const rest = await backfills(`?limit=2&cursor=${first.nextCursor}`)
  expect([...first.items, ...rest.items].map(({ source, events }) => [source, events])).toEqual([
    ['warehouse', 1],
    ['crm', 1],
    ['warehouse', 120],
  ])
})
