import { expect, onTestFinished, test } from 'vitest'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { createZone } from '#libs/time/time-zone.ts'
import { createTestPlatform } from '../../../tests/support/processes/platform.ts'
import { usageRecord } from '../../../tests/support/scoring/scorer.ts'
import { createTestPositions } from '../../../tests/support/scoring/test-positions.ts'
import { batchOf } from '../../../tests/support/scoring/usage-batch.ts'
import { scoringConfigSchema } from '../config.ts'
import { createBatchScorer } from '../flush/score-batch.ts'
import { createScoringMetrics } from '../metrics.ts'
import { createLiveModels } from '../models/live-models.ts'
import { createScoring } from '../service.ts'
import { createSourceActivity } from '../sources/source-activity.ts'
import { createAccountCache } from './account-cache.ts'

test('a scorer whose account another has moved on writes nothing and says that it must read again', async () => {
  const { platform, prepare, stop } = await createTestPlatform()
  onTestFinished(stop)
  await prepare(createScoring(platform, scoringConfigSchema.parse({})))
  const createHandler = () =>
    createBatchScorer({
      ...platform,
      metrics: createScoringMetrics(createMetrics()),
      cache: createAccountCache(40_000),
      relay: { offer: async () => {}, forget: () => {}, start: () => {}, stop: async () => {} },
      mostBatches: 1,
      sourceActivity: createSourceActivity(),
      positions: createTestPositions(platform.database),
      liveModels: createLiveModels({ ...platform, zone: createZone('UTC') }),
    })
  const [former, successor] = [createHandler(), createHandler()]
  await former(batchOf(usageRecord('acme')))
  await successor(batchOf(usageRecord('acme')))
  const late = batchOf(usageRecord('acme'))
  await expect(former(late)).rejects.toThrow(UnavailableError)
  const versions = () => platform.database.query('select version from scoring.account')
  expect(await versions()).toEqual([{ version: 2 }])
  await former(late)
  expect(await versions()).toEqual([{ version: 3 }])
})
