import type { Database } from '#libs/postgres/database.ts'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { Zone } from '#libs/time/time-zone.ts'
import type { Account } from '../core/account/account.ts'
import type { ScoringContext } from '../core/account/apply-events.ts'
import { ALL_HEARD, createSourceLog, type SourceLog, type SourceSilence } from '../core/evaluation/source-log.ts'
import { chooseModel, createTenantModels, type TenantModels } from '../core/models/choose-model.ts'
import { type CompiledModel, compileModel } from '../core/models/model.ts'
import type { Traits } from '../core/models/segment.ts'
import { DEFAULT_MODEL_ID, loadDefaultModel, parseModel } from './model-document.ts'
import { changedModels, changedSilences, currentRevision, loadModelSources } from './model-store.ts'

/** The version of a model that a stored account names. */
type ReadAt = { readonly tenant_id: string; readonly model_id: string; readonly model_version: number }

/** Live models and silent sources of all tenants, in memory: what accounts are scored by. At most a second old while the database answers. */
export type LiveModels = {
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  /** Resolves when all that was committed before the call is known. */
  readonly refresh: () => Promise<void>
  readonly zone: Zone
  readonly liveOf: (tenantId: string) => TenantModels
  /** The model that an account with these traits is to be scored by. The same object as long as that version is live. */
  readonly modelFor: (tenantId: string, traits: Traits) => CompiledModel
  /** Makes the versions that these accounts name known to `version`. */
  readonly load: (accounts: readonly ReadAt[]) => Promise<void>
  readonly version: (account: ReadAt) => CompiledModel
  /** What the account is scored by, at an instant. */
  readonly contextOf: (account: Pick<Account, 'tenantId' | 'model'>, now: number) => ScoringContext
  /** Sources that a live model of the tenant maps to groups, and how long each may be quiet (the shortest where models differ). */
  readonly intervalsOf: (tenantId: string) => ReadonlyMap<string, number>
  /** Whether a silence of the source is on record that has not ended. */
  readonly isSilent: (tenantId: string, source: string) => boolean
  /** Tenants with models of their own, or silences on record. */
  readonly tenants: () => readonly string[]
}

const FRESH_MS = 500
/** Versions kept that are not live: accounts not yet looked at again, views of what was. */
const MAX_REMEMBERED = 1_000

type Tenant = {
  readonly live: Map<string, CompiledModel>
  models: TenantModels
  readonly silences: Map<string, SourceSilence>
  sources: SourceLog
  silent: ReadonlySet<string>
}

export const createLiveModels = (deps: {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly zone: Zone
}): LiveModels => {
  const { database, clock, logger, zone } = deps
  const shipped = compileModel(loadDefaultModel())
  const nothingOwn: Tenant = {
    live: new Map(),
    models: createTenantModels(shipped, []),
    silences: new Map(),
    sources: ALL_HEARD,
    silent: new Set(),
  }
  const tenants = new Map<string, Tenant>()
  const remembered = new Map<string, CompiledModel>()
  const stopping = new AbortController()
  let known = -1
  let running: Promise<void> = Promise.resolve()
  let waiting: Promise<void> | undefined
  let polling: Promise<void> = Promise.resolve()

  const nameOf = (tenantId: string, modelId: string, version: number) => `${tenantId}:${modelId}@${version}`
  const tenantOf = (tenantId: string): Tenant => tenants.get(tenantId) ?? nothingOwn
  const ownOf = (tenantId: string): Tenant => {
    let tenant = tenants.get(tenantId)
    if (tenant === undefined) {
      tenant = { ...nothingOwn, live: new Map(), silences: new Map() }
      tenants.set(tenantId, tenant)
    }
    return tenant
  }
  const find = (tenantId: string, modelId: string, version: number): CompiledModel | undefined => {
    if (modelId === DEFAULT_MODEL_ID && version === shipped.model.version) return shipped
    const live = tenantOf(tenantId).live.get(modelId)
    return live?.model.version === version ? live : remembered.get(nameOf(tenantId, modelId, version))
  }
  const remember = (tenantId: string, compiled: CompiledModel): void => {
    remembered.set(nameOf(tenantId, compiled.model.id, compiled.model.version), compiled)
    if (remembered.size > MAX_REMEMBERED) remembered.delete(remembered.keys().next().value!)
  }

  const read = async (): Promise<void> => {
    const revision = await currentRevision(database)
    if (revision === known) return
    const [models, silences] = await Promise.all([changedModels(database, known), changedSilences(database, known)])
    for (const { tenant_id, model_id, version, source } of models) {
      const tenant = ownOf(tenant_id)
      const before = tenant.live.get(model_id)
      if (before !== undefined) remember(tenant_id, before)
      if (version === null) tenant.live.delete(model_id)
      else {
        const compiled = find(tenant_id, model_id, version)
        tenant.live.set(model_id, compiled ?? compileModel(parseModel(source!)))
      }
      tenant.models = createTenantModels(shipped, [...tenant.live.values()])
    }
    for (const { tenant_id, source, heard_at, from_at, until_at } of silences) {
      const tenant = ownOf(tenant_id)
      tenant.silences.set(`${from_at}:${source}`, { source, heardAt: heard_at, fromAt: from_at, untilAt: until_at })
      const all = [...tenant.silences.values()]
      tenant.sources = createSourceLog(all)
      tenant.silent = new Set(all.filter((one) => one.untilAt === null).map((one) => one.source))
    }
    known = revision
  }

  const refresh = (): Promise<void> => {
    if (waiting === undefined) {
      const result = running.then(() => {
        waiting = undefined
        return read()
      })
      waiting = result
      running = result.catch(() => {})
    }
    return waiting
  }

  return {
    zone,
    refresh,
    start: async () => {
      await refresh()
      polling = (async () => {
        while (!stopping.signal.aborted) {
          await sleep(clock, FRESH_MS, stopping.signal)
          if (stopping.signal.aborted) return
          await refresh().catch((error) => logger.warn({ err: error }, 'live models could not be read'))
        }
      })()
    },
    stop: async () => {
      stopping.abort()
      await polling
    },
    liveOf: (tenantId) => tenantOf(tenantId).models,
    modelFor: (tenantId, traits) => chooseModel(tenantOf(tenantId).models, traits),
    load: async (accounts) => {
      const missing = new Map(
        accounts
          .filter((account) => find(account.tenant_id, account.model_id, account.model_version) === undefined)
          .map(({ tenant_id, model_id, model_version }) => [
            nameOf(tenant_id, model_id, model_version),
            { tenantId: tenant_id, modelId: model_id, version: model_version },
          ]),
      )
      if (missing.size === 0) return
      for (const row of await loadModelSources(database, [...missing.values()]))
        remember(row.tenant_id, compileModel(parseModel(row.source)))
    },
    version: ({ tenant_id, model_id, model_version }) => {
      const found = find(tenant_id, model_id, model_version)
      if (found === undefined) throw new Error(`model ${model_id}@${model_version} is not there`)
      return found
    },
    contextOf: ({ tenantId, model }, now) => ({ model, zone, now, sources: tenantOf(tenantId).sources }),
    intervalsOf: (tenantId) => tenantOf(tenantId).models.intervals,
    isSilent: (tenantId, source) => tenantOf(tenantId).silent.has(source),
    tenants: () => [...tenants.keys()],
  }
}
