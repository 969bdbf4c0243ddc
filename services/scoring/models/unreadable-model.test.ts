import { expect, onTestFinished, test } from 'vitest'
import { createZone } from '#libs/time/time-zone.ts'
import { createTestPlatform } from '../../../tests/support/processes/platform.ts'
import { modelDocument } from '../../../tests/support/scoring/model-documents.ts'
import { scoringConfigSchema } from '../config.ts'
import { createScoring } from '../service.ts'
import { createLiveModels } from './live-models.ts'
import { insertModelVersion, nextRevision, setLiveVersion } from './model-store.ts'

const createFixture = async () => {
  const { platform, prepare, stop } = await createTestPlatform()
  onTestFinished(stop)
  const scoring = createScoring(platform, scoringConfigSchema.parse({}))
  await prepare(scoring)
  const { database } = platform
  const publish = async (tenantId: string, version: number, more: object = {}) => {
    const source = JSON.stringify({ ...modelDocument(), version, ...more })
    const key = { tenantId, modelId: 'default', version }
    await database.transaction(async (tx) => {
      await insertModelVersion(tx, { ...key, name: 'Default', priority: null, source, author: 'cs' })
      await setLiveVersion(tx, key, await nextRevision(tx))
    })
  }
  const liveModels = createLiveModels({ ...platform, zone: createZone('UTC') })
  return { platform, scoring, liveModels, publish }
}
const NEWER = { memberOfANewerRelease: 1 }

test('a live model of a newer release keeps scoring from starting for nobody', async () => {
  const { scoring, publish } = await createFixture()
  await publish('acme', 2, NEWER)
  await expect(scoring.start!()).resolves.toBeUndefined()
  await scoring.stop!()
})

test('its tenant is scored by the last readable version that was live, others’ publishes are seen', async () => {
  const { platform, liveModels, publish } = await createFixture()
  const versionOf = (tenantId: string) => liveModels.modelFor(tenantId, {}).model.version
  await publish('acme', 2)
  await publish('acme', 3, NEWER)
  await publish('beta', 2, NEWER)
  await liveModels.refresh()
  await publish('other', 2)
  await liveModels.refresh()
  expect([versionOf('acme'), versionOf('beta'), versionOf('other')]).toEqual([2, 1, 2])
  expect([...liveModels.unreadableOf('acme')]).toEqual([['default', 3]])
  expect(await platform.metrics.metrics()).toContain('pulso_unreadable_documents{kind="model"} 2')
  await publish('acme', 4)
  await liveModels.refresh()
  expect(versionOf('acme')).toBe(4)
  expect(await platform.metrics.metrics()).toContain('pulso_unreadable_documents{kind="model"} 1')
})

test('an account that was scored by it is folded anew by the model that scores it now', async () => {
  const { liveModels, publish } = await createFixture()
  await publish('acme', 2)
  await publish('acme', 3, NEWER)
  await liveModels.refresh()
  const account = { tenantId: 'acme', modelId: 'default', modelVersion: 3 }
  await liveModels.load([account])
  expect(liveModels.version(account).model.version).toBe(3)
  expect(liveModels.version(account).fingerprint).not.toBe(liveModels.modelFor('acme', {}).fingerprint)
})

test('scoring is ready once the live models were read', async () => {
  const { liveModels } = await createFixture()
  await expect(liveModels.check()).rejects.toThrow('live models are older than a minute')
  await liveModels.start()
  onTestFinished(liveModels.stop)
  await expect(liveModels.check()).resolves.toBeUndefined()
})
