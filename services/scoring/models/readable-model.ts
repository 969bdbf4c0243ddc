import type { Sql } from '#libs/postgres/database.ts'
import { type CompiledModel, compileModel } from '../core/models/model.ts'
import { parseModel } from './model-document.ts'
import { loadFormerSources, type ModelKey } from './model-store.ts'

/** Null: this release cannot read it. Another release has stored it. */
export const compileReadable = (source: string): CompiledModel | null => {
  try {
    return compileModel(parseModel(source))
  } catch {
    return null
  }
}

/** The newest version below, of those that were live, that this release can read. */
export const lastReadable = async (sql: Sql, key: ModelKey): Promise<CompiledModel | null> => {
  for (const { source } of await loadFormerSources(sql, key)) {
    const compiled = compileReadable(source)
    if (compiled !== null) return compiled
  }
  return null
}

/**
 * Stands for a version that accounts were scored by and that this release cannot read. No other
 * model has its fingerprint: the accounts are folded anew by the model that scores them now.
 */
export const standIn = (like: CompiledModel, { modelId, version }: ModelKey): CompiledModel => ({
  ...like,
  model: { ...like.model, id: modelId, version },
  fingerprint: `unreadable:${modelId}@${version}`,
})
