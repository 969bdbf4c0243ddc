import type { CountedEvent } from '../events/event.ts'
import { type FoldContext, foldEvent } from '../state/fold.ts'
import { createMemoryUserActivity } from '../state/fold-activity.ts'
import { createMemoryInteractions } from '../state/interactions.ts'
import { type AccountState, createState } from '../state/state.ts'
import { runsOf } from './journey-runs.ts'

export type StepRef = { readonly journeyId: string; readonly stepId: string }

const STEP_TYPES: ReadonlySet<string> = new Set(['Onboarding Step Completed', 'Onboarding Completed'])

/** Required steps that these events are the first to complete. Call before folding them. */
export const completedSteps = (
  state: AccountState,
  events: readonly CountedEvent[],
  context: FoldContext,
): readonly StepRef[] => {
  if (!events.some(({ type }) => STEP_TYPES.has(type))) return []
  const before = doneSteps(state, context)
  const after = doneSteps(journeysWith(state, events, context), context)
  return [...after].flatMap(([key, step]) => (before.has(key) ? [] : [step]))
}

/** By journey, step and instant: a completion that a late start moves to another run is not new. */
const doneSteps = (state: AccountState, { model, zone, now }: FoldContext): Map<string, StepRef> => {
  const done = new Map<string, StepRef>()
  const add = (journeyId: string, stepId: string, at: number): void => {
    if (at <= now) done.set(JSON.stringify([journeyId, stepId, at]), { journeyId, stepId })
  }
  for (const run of runsOf(state, model, zone)) {
    for (const { stepId, at } of run.completions) add(run.journeyId, stepId, at)
    const completed = new Set(run.completions.filter(({ at }) => at <= run.completedAt).map(({ stepId }) => stepId))
    for (const stepId of run.stepIds ?? []) if (!completed.has(stepId)) add(run.journeyId, stepId, run.completedAt)
  }
  return done
}

/** A copy of the state's journeys with more events. */
const journeysWith = (state: AccountState, events: readonly CountedEvent[], context: FoldContext): AccountState => {
  const copy: AccountState = {
    ...createState(),
    firstEventAt: state.firstEventAt,
    journeyStarts: [...state.journeyStarts],
    journeySteps: new Map(
      [...state.journeySteps].map(([id, steps]) => [id, new Map([...steps].map(([step, at]) => [step, [...at]]))]),
    ),
    journeyDone: new Map([...state.journeyDone].map(([id, at]) => [id, [...at]])),
    bypasses: new Map([...state.bypasses].map(([id, at]) => [id, [...at]])),
    valueAt: [...state.valueAt],
  }
  const counters = { state: copy, users: createMemoryUserActivity(), interactions: createMemoryInteractions() }
  for (const event of events) foldEvent(counters, event, context)
  return copy
}
