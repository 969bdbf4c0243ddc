import type { Model } from '#libs/contracts/health-model.ts'
import { createZone } from '#libs/time/time-zone.ts'
import { createEmptyInteractions } from '../../../services/scoring/core/codec/interaction-pages.ts'
import { decodeState, encodeState } from '../../../services/scoring/core/codec/state-codec.ts'
import { evaluate } from '../../../services/scoring/core/evaluation/evaluate.ts'
import type { Evaluation } from '../../../services/scoring/core/evaluation/evaluation.ts'
import { type GroupResult, groupsOf } from '../../../services/scoring/core/evaluation/measurements.ts'
import type { CountedEvent } from '../../../services/scoring/core/events/event.ts'
import { type CompiledModel, compileModel } from '../../../services/scoring/core/models/model.ts'
import { type Counters, type FoldContext, foldEvent, promote } from '../../../services/scoring/core/state/fold.ts'
import { createMemoryUserActivity } from '../../../services/scoring/core/state/fold-activity.ts'
import { type AccountState, createState } from '../../../services/scoring/core/state/state.ts'
import type { ReferenceEvent } from './past.ts'
import type { RandomAccount } from './random-events.ts'
import type { ReferenceModel } from './reference-model.ts'

/** The product's default model with what a reference model changes. */
export const productModel = (defaults: Model, model: ReferenceModel): CompiledModel =>
  compileModel({
    ...defaults,
    coreFeatures: model.coreFeatures,
    features: model.features,
    connected: model.connected as Model['connected'],
    sources: Object.fromEntries(
      model.sources.map(({ source, groups, expectedIntervalHours }) => [source, { groups, expectedIntervalHours }]),
    ) as Model['sources'],
    onboarding: {
      ...defaults.onboarding,
      targetDays: model.onboardingTargetDays,
      steps: model.requiredSteps,
      firstValueTypes: [...new Set([...defaults.onboarding.firstValueTypes, ...model.firstValueTypes])],
    },
  })

/** Who calls the core counts each (source, id) once: the first accepted. */
export const acceptedOnce = (events: readonly ReferenceEvent[]): readonly CountedEvent[] => {
  const keys = new Set<string>()
  return events.flatMap((event) => {
    const key = JSON.stringify([event.source, event.id])
    if (keys.has(key)) return []
    keys.add(key)
    return [{ ...event, receivedAt: event.occurredAt }]
  })
}

export type ProductAccount = Omit<Counters, 'state'> & { state: AccountState }

export const newProductAccount = (): ProductAccount => ({
  state: createState(),
  users: createMemoryUserActivity(),
  interactions: createEmptyInteractions(),
})

/**
 * One flush: what had waited is promoted, the batch folded, and the state written and read again.
 */
export const flush = (account: ProductAccount, events: readonly CountedEvent[], context: FoldContext): void => {
  promote(account, context)
  for (const event of events) foldEvent(account, event, context)
  account.state = decodeState(encodeState(account.state))
}

export const productHealth = (
  state: AccountState,
  { model, account, at }: { readonly model: CompiledModel; readonly account: RandomAccount; readonly at: number },
): Evaluation & { readonly groups: readonly GroupResult[] } => {
  const evaluation = evaluate({
    state,
    model,
    zone: createZone(account.timeZone),
    at,
    previousBand: null,
    override: null,
    sources: account.lastSeen,
  })
  return { ...evaluation, groups: groupsOf(evaluation) }
}
