import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { decodeSnapshot } from '../core/codec/snapshot-bytes.ts'
import { STATE_LAYOUT } from '../core/codec/state-codec.ts'
import type { CompiledModel } from '../core/models/model.ts'
import type { Counters } from '../core/state/fold.ts'
import type { LiveModels } from '../models/live-models.ts'
import { listBeginnings, loadSnapshot } from './snapshot-store.ts'

/** Counters of all that the account had counted by a version. */
export type CountedBy = { readonly version: number; readonly counters: Counters }

/** The newest counters by that model that have no event after the instant; undefined: none. */
export type FindBeginning = (at: number, model: CompiledModel) => Promise<CountedBy | undefined>

export const findNone: FindBeginning = async () => undefined

export const createFindBeginning = async (
  sql: Sql,
  liveModels: LiveModels,
  key: AccountKey,
): Promise<FindBeginning> => {
  const { tenantId } = key
  const all = await listBeginnings(sql, key)
  const readable = all.filter(({ layout }) => layout === STATE_LAYOUT)
  await liveModels.load(readable.map((one) => ({ tenantId, ...one })))
  return async (at, model) => {
    for (const one of readable) {
      const { version, lastOccurredAt } = one
      if ((lastOccurredAt ?? at) > at) continue
      if (liveModels.version({ tenantId, ...one }).fingerprint !== model.fingerprint) continue
      const snapshot = await loadSnapshot(sql, key, version)
      if (snapshot !== undefined) return { version, counters: decodeSnapshot(snapshot) }
    }
    return undefined
  }
}
