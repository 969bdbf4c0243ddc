import type { CompiledModel } from './model.ts'
import { matchesTraits, type Traits } from './segment.ts'
import { compareText } from './stamp.ts'

/** The live models of a tenant. */
export type LiveModels = {
  readonly default: CompiledModel
  /** Those for a segment, the highest priority first, ties by id. */
  readonly segments: readonly CompiledModel[]
}

export const createLiveModels = (fallback: CompiledModel, models: readonly CompiledModel[]): LiveModels => ({
  default: models.find(({ model }) => model.segment === undefined) ?? fallback,
  segments: models
    .filter(({ model }) => model.segment !== undefined)
    .sort((a, b) => b.model.segment!.priority - a.model.segment!.priority || compareText(a.model.id, b.model.id)),
})

/** The model that scores an account with these traits. */
export const chooseModel = (live: LiveModels, traits: Traits): CompiledModel => {
  for (const segment of live.segments) if (matchesTraits(segment.model.segment!.when, traits)) return segment
  return live.default
}
