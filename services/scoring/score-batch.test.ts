import { expect, onTestFinished, test } from 'vitest'
import type { Batch } from '#libs/bus/bus.ts'
import type { AccountHealth } from '#libs/contracts/account-health.ts'
import type { Database } from '#libs/postgres/database.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { createTestPlatform } from '../../tests/support/platform.ts'
import { type UsageRecord, usageRecord } from '../../tests/support/scorer.ts'
import { createAccountCache } from './account-cache.ts'
import { createCatalog } from './catalog.ts'
import { scoringConfigSchema } from './config.ts'
import { createZone } from './core/zone.ts'
import { createHeardSources } from './heard-sources.ts'
import { createBatchScorer } from './score-batch.ts'
import { createScoringMetrics } from './scoring-metrics.ts'
import { createScoring } from './service.ts'

const batchOf = (...records: readonly UsageRecord[]): Batch => ({
  topic: 'usage.events',
  partition: 0,
  records: records.map((record, offset) => ({ ...record, offset, timestampMs: Date.now() })),
  bytes: 100,
  signal: new AbortController().signal,
  park: () => Promise.reject(new Error('nothing is to be parked')),
})

test('a flush that still read its rows when the one before ended begins where that one ended', async () => {
  const { platform, prepare, stop } = await createTestPlatform()
  onTestFinished(stop)
  await prepare(createScoring(platform, scoringConfigSchema.parse({})))
  const changes: AccountHealth[] = []
  const createHandler = (database: Database) =>
    createBatchScorer({
      enoughBytes: 0,
      ...platform,
      database,
      metrics: createScoringMetrics(createMetrics()),
      cache: createAccountCache({ maxAccounts: 10, maxIds: 1_000 }),
      relay: {
        offer: async ({ records }) => {
          for (const { value } of records) changes.push(JSON.parse(value.toString()))
        },
        start: () => {},
        stop: async () => {},
      },
      heard: createHeardSources(),
      catalog: createCatalog({ ...platform, database, zone: createZone('UTC') }),
    })
  await createHandler(platform.database)(
    batchOf(usageRecord('acme', { agoMs: 3 * 86_400_000 }), usageRecord('another')),
  )

  // A scorer that knows nothing yet: its second flush begins while the first is being written, and reads users until that one is through.
  const reading = Promise.withResolvers<void>()
  const firstIsOver = Promise.withResolvers<void>()
  let second: Promise<void> | undefined
  const query: Database['query'] = async (text, params) => {
    if (text.includes('join scoring.account_users') && second !== undefined) {
      reading.resolve()
      await firstIsOver.promise
    } else if (text.includes('insert into scoring.account_log') && second === undefined) {
      second = handle(batchOf(usageRecord('acme'), usageRecord('another')))
      await reading.promise
    }
    return platform.database.query(text, params)
  }
  const handle = createHandler({ ...platform.database, query })
  await handle(batchOf(usageRecord('acme', { type: 'Support Ticket Opened', properties: { ticketId: 't-1' } })))
  firstIsOver.resolve()
  await second

  const own = changes.filter((change) => change.accountId === 'acme')
  expect(own.map((change) => change.sequence)).toEqual([1, 2, 3])
  expect(own[2]!.health.previousScore).toBe(own[1]!.health.score)
  expect(own[2]!.health.previousBand).toBe(own[1]!.health.band)
})
