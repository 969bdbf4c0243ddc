import type { Zone } from '#libs/time/time-zone.ts'
import type { Evaluation } from '../evaluation/evaluation.ts'
import type { CountedEvent } from '../events/event.ts'
import type { CompiledModel } from '../models/model.ts'
import type { Traits } from '../models/segment.ts'
import { type Counters, foldEvent } from '../state/fold.ts'
import type { Account } from './account.ts'
import { evaluateAt, type ScoringContext } from './evaluate-account.ts'
import { createCounters } from './replay.ts'

/** An account at the end of a local day. */
export type PastDay = { readonly at: number; readonly evaluation: Evaluation; readonly model: CompiledModel }

type Past = {
  readonly account: Account
  readonly zone: Zone
  /** Every model that `modelFor` answers: events are counted by all that count differently. */
  readonly models: readonly CompiledModel[]
  readonly modelFor: (traits: Traits) => CompiledModel
  readonly contextAt: (at: number) => ScoringContext
}

/** Days of an account, one after the other; unmoved days are left out. */
export type PastDays = {
  /** Events of the day, and of days before the first. */
  readonly count: (event: CountedEvent) => void
  readonly endDay: (at: number) => void
  readonly days: () => readonly PastDay[]
}

export const createPastDays = ({ account, zone, models, modelFor, contextAt }: Past): PastDays => {
  const folds = new Map<string, { readonly model: CompiledModel; readonly counters: Counters }>()
  for (const model of models) folds.set(model.fingerprint, { model, counters: createCounters() })
  const anyFold = folds.values().next().value!
  const days: PastDay[] = []
  return {
    count: (event) => {
      for (const { model, counters } of folds.values())
        foldEvent(counters, event, { model, zone, now: event.occurredAt })
    },
    endDay: (at) => {
      // Traits are counted alike by every model.
      const model = modelFor(anyFold.counters.state.traits)
      const { state } = folds.get(model.fingerprint)!.counters
      const stood = { ...account, state, override: null }
      const evaluation = evaluateAt(stood, { ...contextAt(at), model }, at, null)
      if (isMoved(days.at(-1)?.evaluation, evaluation)) days.push({ at, evaluation, model })
    },
    days: () => days,
  }
}

const isMoved = (before: Evaluation | undefined, after: Evaluation): boolean =>
  before === undefined || before.score !== after.score || before.band !== after.band || before.stage !== after.stage
