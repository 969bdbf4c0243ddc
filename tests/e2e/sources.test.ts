import { expect, onTestFinished, test } from 'vitest'
import { toInstant } from '#libs/runtime/clock.ts'
import { eventually } from '../support/eventually.ts'
import { createManualClock, type ManualClock } from '../support/manual-clock.ts'
import { modelDocument } from '../support/scoring/model-documents.ts'
import { createShared, type Replica, type Shared } from '../support/scoring/scoring-and-alerting.ts'

const HOUR_MS = 3_600_000
const START = Date.parse('2026-03-26T10:00:00.000Z')
type Factor = { readonly factor: string; readonly status: string; readonly freshness: number }
type Health = { readonly confidence: number; readonly groups: { readonly group: string; readonly factors: Factor[] }[] }

const accounts = ['acme', 'bolt', 'core']
let nextId = 0
const start = async () => {
  const clock = createManualClock(START)
  const shared = await createShared(clock)
  onTestFinished(shared.stop)
  return { clock, shared, replica: await shared.startReplica() }
}
const say = ({ publish }: Shared, clock: ManualClock, accountId: string, source: string, type = 'Feature Used') => {
  const at = toInstant(clock.now())
  const properties = { feature: 'reports', core: true }
  const body = { id: `e-${nextId++}`, source, type, userId: 'u-1', occurredAt: at, receivedAt: at, properties }
  return publish([{ accountId, kind: 'event', body }])
}
/** Lets time go on by small steps until it holds. */
const byAndBy = async (
  clock: ManualClock,
  what: string,
  holds: () => Promise<boolean>,
  stepMs = 250,
): Promise<void> => {
  let steppedAt = 0
  await eventually(
    what,
    async () => {
      if (performance.now() - steppedAt > 100) {
        clock.advance(stepMs)
        steppedAt = performance.now()
      }
      return holds()
    },
    30_000,
  )
}
const stored = async ({ test: { platform } }: Shared) =>
  platform.database.query<{ account_id: string; confidence: number; evaluated_at: number }>(
    'select account_id, confidence, evaluated_at from scoring.account order by account_id',
  )
const usageOf = async ({ api }: Replica, accountId: string): Promise<Factor> =>
  (await api.get<Health>(`/v1/accounts/${accountId}/health`)).groups
    .find(({ group }) => group === 'usage')!
    .factors.find(({ factor }) => factor === 'usage.recency')!

test('a source that falls silent fades its groups for every account from its instant on; heard again, they recover', async () => {
  const { clock, shared, replica } = await start()
  const document = modelDocument((model) => {
    model.sources = { tracker: { groups: ['usage', 'adoption'], expectedIntervalHours: 4 } }
  })
  await replica.api.send('POST', '/v1/models', document)
  await replica.api.send('POST', '/v1/models/default/versions/2/publish')
  for (const account of accounts) await say(shared, clock, account, 'tracker')
  await byAndBy(clock, 'all are scored and the source is known', async () => {
    const rows = await shared.test.platform.database.query('select 1 from scoring.source_activity')
    return (await stored(shared)).length === accounts.length && rows.length === 1
  })
  const before = await stored(shared)
  expect(before[0]!.confidence).toBeGreaterThan(0)
  expect(await usageOf(replica, 'acme')).toMatchObject({ status: 'measured', freshness: 1 })

  // Somebody else goes on; the source itself is silent.
  clock.moveTo(START + 6 * HOUR_MS)
  await say(shared, clock, 'acme', 'crm', 'Feedback Received')
  await byAndBy(clock, 'every account has faded by half', async () => {
    const rows = await stored(shared)
    return rows.every((row) => row.evaluated_at > START + 6 * HOUR_MS && row.confidence < before[0]!.confidence)
  })
  const faded = await usageOf(replica, 'bolt')
  expect(faded.status).toBe('stale')
  expect(faded.freshness).toBeCloseTo(0.5, 2)

  // By the timer alone, an hour later.
  clock.advance(HOUR_MS)
  await byAndBy(clock, 'it fades on', async () =>
    (await stored(shared)).every((row) => row.evaluated_at > START + 7 * HOUR_MS),
  )
  expect((await usageOf(replica, 'core')).freshness).toBeCloseTo(0.25, 1)
  const at = toInstant(clock.now())
  const [now, then] = await Promise.all(
    ['', `?at=${at}`].map((query) => replica.api.get<Health>(`/v1/accounts/core/health${query}`)),
  )
  expect(then).toMatchObject({ confidence: now!.confidence, groups: now!.groups })

  await say(shared, clock, 'acme', 'tracker', 'Source Heartbeat')
  await byAndBy(clock, 'every account has recovered', async () =>
    (await stored(shared)).every((row) => row.confidence === before[0]!.confidence),
  )
  expect(await usageOf(replica, 'core')).toMatchObject({ status: 'measured', freshness: 1 })
  const { items } = await replica.api.get<{ items: { cause: string }[] }>('/v1/accounts/core/changes?limit=500')
  expect(items[0]!.cause).toBe('window_expiry')
})

test('each source is told of at most once a minute, with the interval of the default model; nothing is looked at without a mapping', async () => {
  const { clock, shared } = await start()
  const told: { source: string; heardAt: string; expectedIntervalHours: number | null }[] = []
  const subscription = await shared.test.platform.bus.consume({
    group: 'listener',
    topic: 'source.activity',
    handle: async ({ records }) => void told.push(...records.map(({ value }) => JSON.parse(value.toString()))),
  })
  onTestFinished(subscription.stop)
  await say(shared, clock, 'acme', 'web')
  await byAndBy(clock, 'the source is told of', async () => told.length > 0)
  expect(told).toEqual([{ tenantId: 'default', source: 'web', heardAt: toInstant(START), expectedIntervalHours: null }])
  clock.advance(10_000)
  const again = clock.now()
  await say(shared, clock, 'acme', 'web')
  await byAndBy(clock, 'the last time it was heard is told of too', async () => told.length > 1, 1_000)
  expect(clock.now() - START).toBeGreaterThanOrEqual(60_000)
  expect(told[1]).toMatchObject({ source: 'web', heardAt: toInstant(again) })
  const [row] = await shared.test.platform.database.query<{ n: number }>(
    'select count(*) as n from scoring.reevaluation',
  )
  expect(row!.n).toBe(0)
})
