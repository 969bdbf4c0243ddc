import { expect, onTestFinished, test } from 'vitest'
import type { Principal } from '#libs/access/keyring.ts'
import { createTenantStates } from '#libs/access/tenant-states.ts'
import { armFailpoints } from '#libs/runtime/failpoint.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { createZone } from '#libs/time/time-zone.ts'
import { findTexts } from '../../../tests/support/find-text.ts'
import { createTestPlatform } from '../../../tests/support/processes/platform.ts'
import { usageRecord } from '../../../tests/support/scoring/scorer.ts'
import { createTestPositions } from '../../../tests/support/scoring/test-positions.ts'
import { batchOf } from '../../../tests/support/scoring/usage-batch.ts'
import { testSigner } from '../../../tests/support/scoring/usage-signer.ts'
import { createAccountCache } from '../accounts/account-cache.ts'
import { scoringConfigSchema } from '../config.ts'
import { createBatchScorer } from '../flush/score-batch.ts'
import { createScoringMetrics } from '../metrics.ts'
import { createLiveModels } from '../models/live-models.ts'
import { createScoring } from '../service.ts'
import { createSourceActivity } from '../sources/source-activity.ts'
import { createEraseAccount } from './erase-account.ts'
import { hashAccounts } from './hash-accounts.ts'

const ADMIN = { tenantId: 'default', keyId: 'key', name: 'tester', scopes: ['admin'], operator: false } as const

const start = async () => {
  const { platform, prepare, stop } = await createTestPlatform()
  onTestFinished(stop)
  await prepare(createScoring(platform, scoringConfigSchema.parse({})))
  const cache = () => createAccountCache(40_000)
  /** A scoring process of its own. */
  const createScorer = () =>
    createBatchScorer({
      mostBatches: 1,
      ...platform,
      metrics: createScoringMetrics(createMetrics()),
      cache: cache(),
      relay: { offer: async () => {}, forget: () => {}, start: () => {}, stop: async () => {} },
      sourceActivity: createSourceActivity(),
      positions: createTestPositions(platform.database),
      tenantStates: createTenantStates(platform),
      signer: testSigner,
      liveModels: createLiveModels({ ...platform, zone: createZone('UTC') }),
    })
  const erase = createEraseAccount({ ...platform, cache: cache() })
  return { ...platform, createScorer, erase: (accountId: string, by: Principal = ADMIN) => erase(by, accountId) }
}

/** Does something, once, when a scorer has read and folded and is about to write. */
const beforeNextWrite = (effect: () => Promise<void>): void => {
  armFailpoints([{ name: 'scoring.flush.before', effect, sleepMs: 0, hit: 1 }])
  onTestFinished(() => armFailpoints([]))
}

test('a flush of another process does not write an account that was erased since it read it, nor when it is tried again', async () => {
  const { createScorer, erase, database } = await start()
  const handle = createScorer()
  await handle(batchOf(usageRecord('acme'), usageRecord('bolt')))
  beforeNextWrite(() => erase('acme'))
  const batch = batchOf(usageRecord('acme'), usageRecord('bolt'))
  await expect(handle(batch)).rejects.toThrow('written by another scorer')
  await handle(batch)
  expect(await findTexts(database, ['acme'])).toEqual([])
  expect(await database.query('select account_id, version from scoring.account')).toEqual([
    { account_id: 'bolt', version: 2 },
  ])
})

test('a process that read before an account was made does not make it again after its erasure', async () => {
  const { createScorer, erase, database } = await start()
  const record = usageRecord('acme')
  beforeNextWrite(async () => {
    await createScorer()(batchOf(record))
    await erase('acme')
  })
  await expect(createScorer()(batchOf(record))).rejects.toThrow('written by another scorer')
  expect(await findTexts(database, ['acme'])).toEqual([])
})

test('a scorer that still has an erased account in memory does not build upon it', async () => {
  const { createScorer, erase, database } = await start()
  const handle = createScorer()
  const before = usageRecord('acme')
  await handle(batchOf(before))
  await erase('acme')
  const after = batchOf(usageRecord('acme', { id: 'later' }), before)
  await expect(handle(after)).rejects.toThrow('written by another scorer')
  await handle(after)
  const [account] = await database.query<{ version: number; sequence: number; ids: number }>(
    'select a.version, a.sequence, sum(length(l.ids) / 8)::int as ids from scoring.account a join scoring.account_log l using (account_id) group by 1, 2',
  )
  expect(account).toEqual({ version: 1_002, sequence: 2, ids: 1 })
})

test("another tenant's account is not found, and stays", async () => {
  const { createScorer, erase, database } = await start()
  await createScorer()(batchOf(usageRecord('acme')))
  await expect(erase('acme', { ...ADMIN, tenantId: 'other' })).rejects.toThrow('no such account')
  expect(await database.query('select account_id from scoring.account')).toEqual([{ account_id: 'acme' }])
  expect(await database.query('select from scoring.erased_account')).toEqual([])
})

test('accounts are found by the hash that an erasure of them logs, also those of a release without keyed hashes', async () => {
  const { createScorer, database, tombstones } = await start()
  await createScorer()(batchOf(usageRecord('acme'), usageRecord('bolt')))
  const find = async (accountId: string) => {
    const hash = tombstones.ofAccount({ tenantId: 'default', accountId })
    const rows = await database.query<{ id: string }>(
      "select account_id as id from scoring.account where account_hash = decode($1, 'hex')",
      [hash],
    )
    return rows.map(({ id }) => id)
  }
  expect(await find('acme')).toEqual(['acme'])
  await database.query("update scoring.account set account_hash = null where account_id = 'bolt'")
  const { chunk } = hashAccounts({ database, tombstones })
  expect(await chunk(10)).toBe(1)
  expect(await find('bolt')).toEqual(['bolt'])
  expect(await chunk(10)).toBe(0)
})
