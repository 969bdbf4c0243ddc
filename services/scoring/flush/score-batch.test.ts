import { expect, onTestFinished, test } from 'vitest'
import { createTenantStates } from '#libs/access/tenant-states.ts'
import type { AccountHealth } from '#libs/contracts/account-health.ts'
import type { Database } from '#libs/postgres/database.ts'
import { armFailpoints } from '#libs/runtime/failpoint.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { createZone } from '#libs/time/time-zone.ts'
import { createTestPlatform } from '../../../tests/support/processes/platform.ts'
import { type UsageRecord, usageRecord } from '../../../tests/support/scoring/scorer.ts'
import { createTestPositions } from '../../../tests/support/scoring/test-positions.ts'
import { batchOf } from '../../../tests/support/scoring/usage-batch.ts'
import { testSigner } from '../../../tests/support/scoring/usage-signer.ts'
import { createAccountCache } from '../accounts/account-cache.ts'
import { scoringConfigSchema } from '../config.ts'
import { createScoringMetrics } from '../metrics.ts'
import { createLiveModels } from '../models/live-models.ts'
import { createScoring } from '../service.ts'
import { createSourceActivity } from '../sources/source-activity.ts'
import { createBatchScorer } from './score-batch.ts'

/** Does something where a flush is about to be written for the nth time from now on. */
const atWrite = (hit: number, effect: () => Promise<void>): void => {
  armFailpoints([{ name: 'scoring.flush.before', effect, sleepMs: 0, hit }])
  onTestFinished(() => armFailpoints([]))
}

test('a flush that reads its rows until the flush before has ended goes on from where that one ended', async () => {
  const { platform, prepare, stop } = await createTestPlatform()
  onTestFinished(stop)
  await prepare(createScoring(platform, scoringConfigSchema.parse({})))
  const changes: AccountHealth[] = []
  const createHandler = (database: Database) =>
    createBatchScorer({
      mostBatches: 1,
      ...platform,
      database,
      metrics: createScoringMetrics(createMetrics()),
      cache: createAccountCache(40_000),
      relay: {
        offer: async ({ records }) => {
          for (const { value } of records) changes.push(JSON.parse(value.toString()))
        },
        forget: () => {},
        start: () => {},
        stop: async () => {},
      },
      sourceActivity: createSourceActivity(),
      positions: createTestPositions(platform.database),
      tenantStates: createTenantStates(platform),
      signer: testSigner,
      liveModels: createLiveModels({ ...platform, database, zone: createZone('UTC') }),
    })
  await createHandler(platform.database)(
    batchOf(usageRecord('acme', { agoMs: 3 * 86_400_000 }), usageRecord('another')),
  )

  // A scorer that knows nothing yet. When its first flush is about to be written, its second begins
  // and reads until the first is through.
  const reading = Promise.withResolvers<void>()
  const firstIsOver = Promise.withResolvers<void>()
  let second: Promise<void> | undefined
  let isReading = false
  const query: Database['query'] = async (text, params) => {
    if (second !== undefined && !isReading) {
      isReading = true
      reading.resolve()
      await firstIsOver.promise
    }
    return platform.database.query(text, params)
  }
  const handle = createHandler({ ...platform.database, query })
  atWrite(1, async () => {
    second = handle(batchOf(usageRecord('acme'), usageRecord('another')))
    await reading.promise
  })
  await handle(batchOf(usageRecord('acme', { type: 'Support Ticket Opened', properties: { ticketId: 't-1' } })))
  firstIsOver.resolve()
  await second

  const own = changes.filter((change) => change.accountId === 'acme')
  expect(own.map((change) => change.sequence)).toEqual([1, 2, 3])
  expect(own[2]!.health.previousScore).toBe(own[1]!.health.score)
  expect(own[2]!.health.previousBand).toBe(own[1]!.health.band)
})

test('a flush of more accounts than one statement takes counts all of them once, a large one in front of a small one', async () => {
  const { platform, prepare, stop } = await createTestPlatform()
  onTestFinished(stop)
  await prepare(createScoring(platform, scoringConfigSchema.parse({})))
  const deadLettered: string[] = []
  const handle = createBatchScorer({
    ...platform,
    metrics: createScoringMetrics(createMetrics()),
    cache: createAccountCache(16_000),
    relay: { offer: async () => {}, forget: () => {}, start: () => {}, stop: async () => {} },
    positions: createTestPositions(platform.database),
    tenantStates: createTenantStates(platform),
    signer: testSigner,
    liveModels: createLiveModels({ ...platform, zone: createZone('UTC') }),
    mostBatches: 1,
    sourceActivity: createSourceActivity(),
    maxAccounts: 3,
  })
  const records = Array.from({ length: 20 }, (_, i) => usageRecord(`account-${i % 10}`))
  const unreadable = { key: 'default:account-9', value: Buffer.from('{'), headers: { kind: 'event' } }
  const deadLetter = async (_record: unknown, reason: string) => void deadLettered.push(reason)
  const again = { ...records[9]!, value: Buffer.from(records[9]!.value.toString().replace('u-1', 'u-2')) }
  await Promise.all([
    handle({ ...batchOf(...records, unreadable as UsageRecord), deadLetter }),
    handle(batchOf(again, ...records)),
    handle(batchOf(usageRecord('account-9'))),
  ])
  expect(deadLettered).toHaveLength(1)
  const rows = await platform.database.query<{ account_id: string; ids: number; users: number }>(
    `select l.account_id, sum(length(ids) / 8)::int as ids, max(a.user_count) as users
     from scoring.account_log l join scoring.account a using (account_id) group by 1 order by 1`,
  )
  expect(rows).toEqual(
    Array.from({ length: 10 }, (_, i) => ({ account_id: `account-${i}`, ids: i === 9 ? 3 : 2, users: 1 })),
  )
})

test('when one part of a flush cannot be written, no later part is; the same flush counts all of it when it is tried again', async () => {
  const { platform, prepare, stop } = await createTestPlatform()
  onTestFinished(stop)
  await prepare(createScoring(platform, scoringConfigSchema.parse({})))
  atWrite(2, () => Promise.reject(new Error('no disk')))
  const handle = createBatchScorer({
    ...platform,
    metrics: createScoringMetrics(createMetrics()),
    cache: createAccountCache(400_000),
    relay: { offer: async () => {}, forget: () => {}, start: () => {}, stop: async () => {} },
    positions: createTestPositions(platform.database),
    tenantStates: createTenantStates(platform),
    signer: testSigner,
    liveModels: createLiveModels({ ...platform, zone: createZone('UTC') }),
    mostBatches: 1,
    sourceActivity: createSourceActivity(),
    maxAccounts: 2,
  })
  const batch = batchOf(...Array.from({ length: 10 }, (_, i) => usageRecord(`account-${i}`)))
  await expect(handle(batch)).rejects.toThrow('no disk')
  const count = async () => (await platform.database.query('select from scoring.account_log')).length
  expect(await count()).toBe(2)
  await handle(batch)
  expect(await count()).toBe(10)
})
