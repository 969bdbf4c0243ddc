import { expect, onTestFinished, test } from 'vitest'
import { createTenantStates } from '#libs/access/tenant-states.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { armFailpoints } from '#libs/runtime/failpoint.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import type { Platform } from '#libs/runtime/service.ts'
import { createZone } from '#libs/time/time-zone.ts'
import { createTestPlatform } from '../../../tests/support/processes/platform.ts'
import { usageRecord } from '../../../tests/support/scoring/scorer.ts'
import { createTestPositions } from '../../../tests/support/scoring/test-positions.ts'
import { batchOf } from '../../../tests/support/scoring/usage-batch.ts'
import { testSigner } from '../../../tests/support/scoring/usage-signer.ts'
import { scoringConfigSchema } from '../config.ts'
import { createBatchScorer } from '../flush/score-batch.ts'
import { createScoringMetrics } from '../metrics.ts'
import { createLiveModels } from '../models/live-models.ts'
import { createScoring } from '../service.ts'
import { createSourceActivity } from '../sources/source-activity.ts'
import { createAccountCache } from './account-cache.ts'

const createHandler = (platform: Platform) =>
  createBatchScorer({
    ...platform,
    metrics: createScoringMetrics(createMetrics()),
    cache: createAccountCache(40_000),
    relay: { offer: async () => {}, forget: () => {}, start: () => {}, stop: async () => {} },
    mostBatches: 1,
    sourceActivity: createSourceActivity(),
    positions: createTestPositions(platform.database),
    tenantStates: createTenantStates(platform),
    signer: testSigner,
    liveModels: createLiveModels({ ...platform, zone: createZone('UTC') }),
  })

test('a scorer whose account another has moved on writes nothing and says that it must read again', async () => {
  const { platform, prepare, stop } = await createTestPlatform()
  onTestFinished(stop)
  await prepare(createScoring(platform, scoringConfigSchema.parse({})))
  const [former, successor] = [createHandler(platform), createHandler(platform)]
  await former(batchOf(usageRecord('acme')))
  await successor(batchOf(usageRecord('acme')))
  const late = batchOf(usageRecord('acme'))
  await expect(former(late)).rejects.toThrow(UnavailableError)
  const versions = () => platform.database.query('select version from scoring.account')
  expect(await versions()).toEqual([{ version: 2 }])
  await former(late)
  expect(await versions()).toEqual([{ version: 3 }])
})

test('a flush stands on no count of another partition, whose own flush may fail', async () => {
  const { platform, prepare, stop } = await createTestPlatform()
  onTestFinished(stop)
  await prepare(createScoring(platform, scoringConfigSchema.parse({})))
  const [scorer, other] = [createHandler(platform), createHandler(platform)]
  const userOf = (userId: string, partition: number) => ({ ...batchOf(usageRecord('acme', { userId })), partition })
  await scorer(userOf('u-0', 0))

  // Two partitions bring events of the account. The first's flush fails; then another scorer writes
  // the version that the failed flush had in memory.
  const secondWrites = Promise.withResolvers<void>()
  const otherHasWritten = Promise.withResolvers<void>()
  const [first, second, third] = [userOf('u-1', 0), userOf('u-2', 1), userOf('u-3', 2)]
  let handled: Promise<void> | undefined
  const atWrite = (hit: number, effect: () => Promise<void>) =>
    ({ name: 'scoring.flush.before', effect, sleepMs: 0, hit }) as const
  armFailpoints([
    atWrite(1, async () => {
      handled = scorer(second)
      await secondWrites.promise
      throw new Error('the connection is lost')
    }),
    atWrite(2, async () => {
      secondWrites.resolve()
      await otherHasWritten.promise
    }),
  ])
  onTestFinished(() => armFailpoints([]))
  await expect(scorer(first)).rejects.toThrow()
  await other(third)
  otherHasWritten.resolve()
  const again: unknown[] = []
  for (const batch of [second, first]) {
    await (batch === second ? handled : Promise.reject(new Error('to be tried again')))?.catch(async (error) => {
      again.push(error)
      await scorer(batch)
    })
  }
  const [stored] = await platform.database.query<{ user_count: number; version: number }>(
    'select user_count, version from scoring.account',
  )
  expect(stored).toEqual({ user_count: 4, version: 4 })
})
