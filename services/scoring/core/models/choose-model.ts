import { HOUR_MS } from '#libs/runtime/durations.ts'
import { compareText } from '../events/event-order.ts'
import type { CompiledModel } from './model.ts'
import { matchesTraits, type Traits } from './segment.ts'

/** A tenant's live models. */
export type TenantModels = {
  readonly default: CompiledModel
  /** Models of segments, the highest priority first, ties by id. */
  readonly segments: readonly CompiledModel[]
  /** Expected interval of each mapped source, ms: the shortest where models differ. */
  readonly intervals: ReadonlyMap<string, number>
}

export const createTenantModels = (fallback: CompiledModel, models: readonly CompiledModel[]): TenantModels => {
  const standard = models.find(({ model }) => model.segment === undefined) ?? fallback
  const segments = models
    .filter(({ model }) => model.segment !== undefined)
    .sort((a, b) => b.model.segment!.priority - a.model.segment!.priority || compareText(a.model.id, b.model.id))
  return { default: standard, segments, intervals: intervalsOf([standard, ...segments]) }
}

/** The model takes the place of the default, or of the segment model with its id. */
export const withModel = (live: TenantModels, model: CompiledModel): TenantModels =>
  model.model.segment === undefined
    ? createTenantModels(model, live.segments)
    : createTenantModels(live.default, [...live.segments.filter((one) => one.model.id !== model.model.id), model])

const intervalsOf = (models: readonly CompiledModel[]): Map<string, number> => {
  const intervals = new Map<string, number>()
  for (const { model } of models) {
    for (const [source, { expectedIntervalHours }] of Object.entries(model.sources)) {
      const shortest = Math.min(intervals.get(source) ?? Number.POSITIVE_INFINITY, expectedIntervalHours * HOUR_MS)
      intervals.set(source, shortest)
    }
  }
  return intervals
}

/** The model that scores an account with these traits. */
export const chooseModel = (live: TenantModels, traits: Traits): CompiledModel => {
  for (const segment of live.segments) if (matchesTraits(segment.model.segment!.when, traits)) return segment
  return live.default
}
