import { recordAudit } from '#libs/access/audit-store.ts'
import type { Principal } from '#libs/access/keyring.ts'
import { notFound } from '#libs/http/problems/problem.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { LiveModels } from './live-models.ts'
import { DEFAULT_MODEL_ID, SHIPPED_VERSION } from './model-document.ts'
import { liveVersions, loadModelSources, nextRevision, setLiveVersion } from './model-store.ts'
import { requestReevaluation, SETTLED_MS } from './reevaluation-store.ts'

/** Every process knows the live models by then. */
const KNOWN_MS = 1_200
const MAX_LIVE_MODELS = 100

export type LiveModel = { readonly modelId: string; readonly version: number | null }

/**
 * Makes a version live, an earlier one too (null withdraws the model): live model, audit row and the request to look at the tenant's
 * accounts in one transaction. What is live already stays as it is; `default` withdrawn is the shipped one. Answers what is live then.
 * Throws 404 for what is not there.
 */
export type PublishModel = (principal: Principal, model: LiveModel) => Promise<LiveModel>

export const createPublishModel = (deps: {
  readonly database: Database
  readonly clock: Clock
  readonly liveModels: LiveModels
}): PublishModel => {
  const { database, clock, liveModels } = deps

  const publish = async (tx: Sql, principal: Principal, { modelId, version }: LiveModel): Promise<void> => {
    const { tenantId } = principal
    const revision = await nextRevision(tx)
    const isShipped = modelId === DEFAULT_MODEL_ID && version === SHIPPED_VERSION
    if (version !== null && !isShipped) {
      const [found] = await loadModelSources(tx, [{ tenantId, modelId, version }])
      if (found === undefined) throw notFound('version of a model')
    }
    const live = await liveVersions(tx, tenantId)
    const before = live.find((one) => one.modelId === modelId)
    const former = before === undefined && modelId === DEFAULT_MODEL_ID ? SHIPPED_VERSION : (before?.version ?? null)
    if (version === null && former === null) throw notFound('live model')
    if (former === version) return
    if (version !== null && live.filter((one) => one.version !== null).length >= MAX_LIVE_MODELS && former === null)
      throw new RequestError(409, 'too_many_models', `A tenant has at most ${MAX_LIVE_MODELS} live models`)
    await setLiveVersion(tx, { tenantId, modelId, version }, revision)
    const now = clock.now()
    await requestReevaluation(tx, { tenantId, beginsAt: now + KNOWN_MS, settledAt: now + SETTLED_MS })
    await recordAudit(tx, principal, {
      action: version === null ? 'model.withdrawn' : 'model.published',
      subject: modelId,
      detail: { version, former },
    })
    failpoint('scoring.publish.before')
  }

  return async (principal, { modelId, version }) => {
    const isDefault = modelId === DEFAULT_MODEL_ID
    const model = { modelId, version: version === null && isDefault ? SHIPPED_VERSION : version }
    await database.transaction((tx) => publish(tx, principal, model))
    failpoint('scoring.publish.after')
    // Where this fails, the next look at the database does it.
    await liveModels.refresh().catch(() => {})
    return model
  }
}
