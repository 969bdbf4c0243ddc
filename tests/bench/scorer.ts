import { join } from 'node:path'
import { createRecordSigner } from '#libs/access/record-signer.ts'
import { createTenantStates } from '#libs/access/tenant-states.ts'
import { insertTenant } from '#libs/access/tenant-store.ts'
import type { Batch } from '#libs/bus/bus.ts'
import { migrate } from '#libs/postgres/migrate.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { createZone } from '#libs/time/time-zone.ts'
import { createAccountCache } from '../../services/scoring/accounts/account-cache.ts'
import { createBatchScorer } from '../../services/scoring/flush/score-batch.ts'
import { createScoringMetrics } from '../../services/scoring/metrics.ts'
import { createLiveModels } from '../../services/scoring/models/live-models.ts'
import { createSourceActivity } from '../../services/scoring/sources/source-activity.ts'
import { createTestPositions } from '../support/scoring/test-positions.ts'
import { testTombstones } from '../support/tombstones.ts'
import type { MadeEvent } from './make-events.ts'
import { ENCRYPTION_KEY, TENANT, toRecord } from './make-events.ts'
import { type Postgres, startPostgres } from './parts.ts'

export type Scorer = {
  readonly postgres: Postgres
  readonly batchOf: (events: readonly MadeEvent[]) => Batch
  readonly flush: (batch: Batch) => Promise<void>
}

/**
 * The scorer alone, in this process, over the project's own PostgreSQL and without a log: each call
 * is one flush.
 */
export const startScorer = async (defer: (undo: () => Promise<unknown>) => void): Promise<Scorer> => {
  const postgres = await startPostgres(defer)
  const { database, connectionString } = postgres
  for (const [schema, path] of [
    ['access', 'libs/access/migrations'],
    ['scoring', 'services/scoring/migrations'],
  ] as const)
    await migrate({ connectionString, schema, folder: join(import.meta.dirname, '../..', path), logger: silentLogger })
  await insertTenant(database, { id: TENANT, name: TENANT })
  const deps = { database, clock: systemClock, logger: silentLogger, metrics: createMetrics() }
  const handle = createBatchScorer({
    mostBatches: 1,
    ...deps,
    metrics: createScoringMetrics(deps.metrics),
    cache: createAccountCache(160 * 1024 * 1024),
    relay: { offer: async () => {}, forget: () => {}, start: () => {}, stop: async () => {} },
    sourceActivity: createSourceActivity(),
    positions: createTestPositions(database),
    tombstones: testTombstones,
    tenantStates: createTenantStates({ database }),
    signer: createRecordSigner(ENCRYPTION_KEY),
    liveModels: createLiveModels({ ...deps, zone: createZone('UTC') }),
  })
  const batchOf = (events: readonly MadeEvent[]): Batch => {
    const now = Date.now()
    return {
      topic: 'usage.events',
      partition: 0,
      records: events.map((event, offset) => ({ ...toRecord(event, now), offset, timestampMs: now })),
      bytes: 100,
      signal: new AbortController().signal,
      deadLetter: () => Promise.reject(new Error('an event of the benchmark cannot be read')),
    }
  }
  return { postgres, batchOf, flush: handle }
}
