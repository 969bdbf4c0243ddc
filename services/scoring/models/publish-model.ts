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

/** By then every process has read the live models. */
const KNOWN_MS = 1_200
const MAX_LIVE_MODELS = 100

export type LiveModel = { readonly modelId: string; readonly version: number | null }

/**
 * Makes a version live: null withdraws the model, `default` returns to the shipped version. Changes
 * the live model, the audit row and the re-evaluation request in one transaction, or nothing if the
 * version is live already. Answers the live version. Throws 404 for an unknown version.
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
      if (found === undefined) throw notFound('model version')
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
    // If this fails, the next poll reads the models.
    await liveModels.refresh().catch(() => {})
    return model
  }
}
