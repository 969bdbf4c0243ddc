import { LRUCache } from 'lru-cache'
import type { Database } from '#libs/postgres/database.ts'
import { type Clock, monotonicMs } from '#libs/runtime/clock.ts'
import { MINUTE_MS } from '#libs/runtime/durations.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { Registry } from '#libs/runtime/metrics.ts'
import { repeat } from '#libs/runtime/repeat.ts'
import { shareRuns } from '#libs/runtime/share-runs.ts'
import { createUnreadableDocuments } from '#libs/runtime/unreadable-documents.ts'
import type { Zone } from '#libs/time/time-zone.ts'
import type { Account } from '../core/account/account.ts'
import type { ScoringContext } from '../core/account/evaluate-account.ts'
import { ALL_ACTIVE, createSourceLog, type SourceInactivity, type SourceLog } from '../core/evaluation/source-log.ts'
import { chooseModel, createTenantModels, type TenantModels } from '../core/models/choose-model.ts'
import { type CompiledModel, compileModel } from '../core/models/model.ts'
import type { Traits } from '../core/models/segment.ts'
import { DEFAULT_MODEL_ID, loadDefaultModel } from './model-document.ts'
import { changedModels, changedSilences, currentRevision, loadModelSources } from './model-store.ts'
import { compileReadable, lastReadable, standIn } from './readable-model.ts'

type ReadAt = { readonly tenantId: string; readonly modelId: string; readonly modelVersion: number }

/** Live models and silent sources of all tenants, at most a second behind the database. */
export type LiveModels = {
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  /** Resolves when everything committed before the call is in memory. */
  readonly refresh: () => Promise<void>
  /** Rejects when the models in memory may be older than a minute. */
  readonly check: () => Promise<void>
  readonly zone: Zone
  /** Live versions that this release cannot read, by model id. */
  readonly unreadableOf: (tenantId: string) => ReadonlyMap<string, number>
  readonly liveOf: (tenantId: string) => TenantModels
  /** The live model for an account with these traits; the same object while that version lives. */
  readonly modelFor: (tenantId: string, traits: Traits) => CompiledModel
  /** Loads the model versions of these accounts, for `version` to answer. */
  readonly load: (accounts: readonly ReadAt[]) => Promise<void>
  readonly version: (account: ReadAt) => CompiledModel
  readonly contextOf: (account: Pick<Account, 'tenantId' | 'model'>, now: number) => ScoringContext
  /** Expected interval (ms) of each source that live models map to groups; the shortest of all. */
  readonly intervalsOf: (tenantId: string) => ReadonlyMap<string, number>
  /** Whether the source has a recorded silence that has not ended. */
  readonly isSilent: (tenantId: string, source: string) => boolean
  /** Tenants that have published a model or have a recorded silence. */
  readonly tenants: () => readonly string[]
}

const TICK_MS = 500
/** Most versions in memory that are not live; accounts keep them until re-evaluated. */
const MAX_FORMER = 1_000

type Tenant = {
  readonly live: Map<string, CompiledModel>
  models: TenantModels
  /** Live versions that this release cannot read, by model id. */
  readonly unreadable: Map<string, number>
  readonly silences: Map<string, SourceInactivity>
  sources: SourceLog
  silent: ReadonlySet<string>
}

export const createLiveModels = (deps: {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Registry
  readonly zone: Zone
  /** As in `ScoringContext`. */
  readonly sequenceFloor?: () => number
}): LiveModels => {
  const { database, clock, logger, zone } = deps
  const reportUnreadable = createUnreadableDocuments(deps.metrics, logger)
  const shipped = compileModel(loadDefaultModel())
  const noTenant: Tenant = {
    live: new Map(),
    models: createTenantModels(shipped, []),
    unreadable: new Map(),
    silences: new Map(),
    sources: ALL_ACTIVE,
    silent: new Set(),
  }
  const tenants = new Map<string, Tenant>()
  const former = new LRUCache<string, CompiledModel>({ max: MAX_FORMER })
  const standIns = new LRUCache<string, CompiledModel>({ max: MAX_FORMER })
  let knownRevision = -1
  let readAt = Number.NEGATIVE_INFINITY

  const nameOf = (tenantId: string, modelId: string, version: number) => `${tenantId}:${modelId}@${version}`
  const tenantOf = (tenantId: string): Tenant => tenants.get(tenantId) ?? noTenant
  const ownOf = (tenantId: string): Tenant => {
    let tenant = tenants.get(tenantId)
    if (tenant === undefined) {
      tenant = { ...noTenant, live: new Map(), unreadable: new Map(), silences: new Map() }
      tenants.set(tenantId, tenant)
    }
    return tenant
  }
  const find = (tenantId: string, modelId: string, version: number): CompiledModel | undefined => {
    if (modelId === DEFAULT_MODEL_ID && version === shipped.model.version) return shipped
    const live = tenantOf(tenantId).live.get(modelId)
    return live?.model.version === version ? live : former.get(nameOf(tenantId, modelId, version))
  }
  const findOrStandIn = ({ tenantId, modelId, modelVersion }: ReadAt): CompiledModel | undefined =>
    find(tenantId, modelId, modelVersion) ?? standIns.get(nameOf(tenantId, modelId, modelVersion))
  const remember = (tenantId: string, compiled: CompiledModel): void => {
    former.set(nameOf(tenantId, compiled.model.id, compiled.model.version), compiled)
  }

  const refresh = shareRuns(async (): Promise<void> => {
    const revision = await currentRevision(database)
    if (revision === knownRevision) return
    const [models, silences] = await Promise.all([
      changedModels(database, knownRevision),
      changedSilences(database, knownRevision),
    ])
    for (const { tenantId, modelId, version, source } of models) {
      const own = version === null ? null : (find(tenantId, modelId, version) ?? compileReadable(source!))
      const compiled = own ?? (version === null ? null : await lastReadable(database, { tenantId, modelId, version }))
      const tenant = ownOf(tenantId)
      const before = tenant.live.get(modelId)
      if (before !== undefined) remember(tenantId, before)
      if (compiled === null) tenant.live.delete(modelId)
      else tenant.live.set(modelId, compiled)
      if (version !== null && own === null) tenant.unreadable.set(modelId, version)
      else tenant.unreadable.delete(modelId)
      const unreadable = [...tenant.unreadable].map(([id, number]) => `${id}@${number}`)
      reportUnreadable('model', tenantId, unreadable)
      tenant.models = createTenantModels(shipped, [...tenant.live.values()])
    }
    for (const { tenantId, ...silence } of silences) {
      const tenant = ownOf(tenantId)
      tenant.silences.set(`${silence.fromAt}:${silence.source}`, silence)
      const all = [...tenant.silences.values()]
      tenant.sources = createSourceLog(all)
      tenant.silent = new Set(all.filter((one) => one.untilAt === null).map((one) => one.source))
    }
    knownRevision = revision
  })
  const readModels = async (): Promise<void> => {
    const startedAt = monotonicMs()
    await refresh()
    readAt = startedAt
  }
  const polling = repeat(
    { clock, logger, everyMs: TICK_MS, mustEnd: true, failure: 'live models could not be read' },
    async () => {
      await readModels()
    },
  )

  return {
    zone,
    refresh,
    check: async () => {
      if (monotonicMs() - readAt > MINUTE_MS) throw new UnavailableError('live models are older than a minute')
    },
    start: async () => {
      await readModels()
      polling.start()
    },
    stop: polling.stop,
    unreadableOf: (tenantId) => tenantOf(tenantId).unreadable,
    liveOf: (tenantId) => tenantOf(tenantId).models,
    modelFor: (tenantId, traits) => chooseModel(tenantOf(tenantId).models, traits),
    load: async (accounts) => {
      const missing = new Map(
        accounts
          .filter((account) => findOrStandIn(account) === undefined)
          .map(({ tenantId, modelId, modelVersion }) => [
            nameOf(tenantId, modelId, modelVersion),
            { tenantId, modelId, version: modelVersion },
          ]),
      )
      if (missing.size === 0) return
      for (const row of await loadModelSources(database, [...missing.values()])) {
        const compiled = compileReadable(row.source)
        const like = tenantOf(row.tenantId).live.get(row.modelId) ?? shipped
        if (compiled !== null) remember(row.tenantId, compiled)
        else standIns.set(nameOf(row.tenantId, row.modelId, row.version), standIn(like, row))
      }
    },
    version: (account) => {
      const found = findOrStandIn(account)
      if (found === undefined) throw new Error(`model ${account.modelId}@${account.modelVersion} is not loaded`)
      return found
    },
    contextOf: ({ tenantId, model }, now) => ({
      model,
      zone,
      now,
      sources: tenantOf(tenantId).sources,
      sequenceFloor: deps.sequenceFloor?.() ?? 0,
    }),
    intervalsOf: (tenantId) => tenantOf(tenantId).models.intervals,
    isSilent: (tenantId, source) => tenantOf(tenantId).silent.has(source),
    tenants: () => [...tenants.keys()],
  }
}
