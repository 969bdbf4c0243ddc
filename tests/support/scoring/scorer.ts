import { accountKey } from '#libs/contracts/topics.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { scoringConfigSchema } from '../../../services/scoring/config.ts'
import { createScoring } from '../../../services/scoring/service.ts'
import { createTestPlatform } from '../processes/platform.ts'
import { createRoutesClient, type RoutesClient } from '../routes-client.ts'
import { testSigner } from './usage-signer.ts'

export type ScorerFixture = {
  readonly api: RoutesClient
  readonly database: Database
  readonly send: (...records: UsageRecord[]) => Promise<void>
  readonly stop: () => Promise<void>
}

/**
 * The scoring service alone, running on a fresh database and the PostgreSQL bus, with its routes
 * behind the HTTP door.
 */
export const startScorer = async (clock?: Clock): Promise<ScorerFixture> => {
  const test = await createTestPlatform(clock === undefined ? {} : { clock })
  const service = createScoring(test.platform, scoringConfigSchema.parse({}))
  await test.prepare(service)
  await service.start()
  const api = await createRoutesClient(test.platform, service)
  return {
    api,
    database: test.platform.database,
    send: (...records) => test.platform.bus.publish('usage.events', records),
    stop: async () => {
      await api.close()
      await service.stop()
      await test.stop()
    },
  }
}

export type UsageRecord = ReturnType<typeof usageRecord>

let nextId = 0

type AccountEvents = {
  readonly tenantId?: string
  readonly id?: string
  readonly type?: string
  readonly userId?: string
  readonly agoMs?: number
  readonly mode?: string
  readonly properties?: object
}

/**
 * An event as ingest publishes it: a core `Feature Used` of now, of tenant `default`, unless told
 * otherwise.
 */
export const usageRecord = (accountId: string, given: AccountEvents = {}) => {
  const now = Date.now()
  const { tenantId = 'default' } = given
  const body = {
    id: given.id ?? `evt-${nextId++}`,
    source: 'web',
    type: given.type ?? 'Feature Used',
    accountId,
    userId: given.userId ?? 'u-1',
    occurredAt: new Date(now - (given.agoMs ?? 0)).toISOString(),
    receivedAt: new Date(now).toISOString(),
    tenantId,
    mode: given.mode ?? 'live',
    properties: given.properties ?? { feature: 'reports', core: true },
  }
  return {
    key: accountKey(tenantId, accountId),
    value: Buffer.from(JSON.stringify(body)),
    headers: testSigner.sign('event', tenantId, now),
  }
}
