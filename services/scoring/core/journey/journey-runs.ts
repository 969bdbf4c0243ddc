import type { Zone } from '#libs/time/time-zone.ts'
import type { CompiledModel } from '../models/model.ts'
import { DEFAULT_JOURNEY } from '../state/fold-journey.ts'
import type { AccountState } from '../state/state.ts'
import type { EndedBy, Run } from '../state/timeline.ts'

const NEVER = Number.POSITIVE_INFINITY

type Start = {
  readonly journeyId: string
  readonly at: number
  readonly steps: readonly string[] | null
  readonly stepCount: number | null
}

/** Runs in the order of their starts. */
export const runsOf = (state: AccountState, model: CompiledModel, zone: Zone): readonly Run[] => {
  const starts = state.journeyStarts
  const runs: Run[] = []
  const nextStartAt = new Map<string, number>()
  for (const start of starts.toReversed()) {
    const until = nextStartAt.get(start.journeyId) ?? NEVER
    runs.push(runOf(state, start, { until, goneAt: NEVER }, model, zone))
    nextStartAt.set(start.journeyId, start.at)
  }
  runs.reverse()
  const first = state.firstEventAt
  if (first === null || (starts[0] !== undefined && starts[0].at <= first)) return runs
  const start = { journeyId: DEFAULT_JOURNEY, at: first, steps: null, stepCount: null }
  return [runOf(state, start, { until: NEVER, goneAt: starts[0]?.at ?? NEVER }, model, zone), ...runs]
}

const firstIn = (instants: readonly number[] | undefined, from: number, until: number): number => {
  if (instants === undefined) return NEVER
  let low = 0
  let high = instants.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (instants[middle]! < from) low = middle + 1
    else high = middle
  }
  const at = instants[low]
  return at !== undefined && at < until ? at : NEVER
}

const runOf = (
  state: AccountState,
  start: Start,
  limits: { until: number; goneAt: number },
  compiled: CompiledModel,
  zone: Zone,
): Run => {
  const { journeyId, at: startAt } = start
  const { until, goneAt } = limits
  const { onboarding } = compiled.model
  const stepIds = start.steps ?? (start.stepCount !== null ? null : onboarding.steps)
  const required = stepIds === null ? start.stepCount! : stepIds.length
  const steps = state.journeySteps.get(journeyId)
  const completions = [...(stepIds ?? steps?.keys() ?? [])]
    .map((stepId) => ({ stepId, at: firstIn(steps?.get(stepId), startAt, until) }))
    .filter(({ at }) => at !== NEVER)
    .sort((a, b) => a.at - b.at || (a.stepId < b.stepId ? -1 : 1))
    .slice(0, required)
  const completedAt = required > 0 ? firstIn(state.journeyDone.get(journeyId), startAt, until) : NEVER
  const firstValueAt = firstIn(state.valueAt, startAt, NEVER)
  const stepsDoneAt = Math.min(completedAt, completions[required - 1]?.at ?? NEVER)
  const bypassAt = firstIn(state.bypasses.get(journeyId), startAt, until)
  const targetAt = required > 0 ? NEVER : zone.plusDays(startAt, onboarding.targetDays)
  const doneAt = required > 0 ? Math.max(stepsDoneAt, firstValueAt) : firstValueAt
  const endAt = Math.min(doneAt, targetAt, bypassAt, until)
  const endedBy: EndedBy | null =
    endAt === NEVER
      ? null
      : endAt === doneAt
        ? required > 0
          ? 'steps_and_first_value'
          : 'first_value'
        : endAt === targetAt
          ? 'target_passed'
          : endAt === bypassAt
            ? 'bypass'
            : 'restarted'
  return { journeyId, startAt, endAt, endedBy, goneAt, required, stepIds, completions, completedAt, firstValueAt }
}

export const isOpen = (run: Run, at: number): boolean => run.startAt <= at && at < run.endAt && at < run.goneAt

/** Runs that passed their gates by then. */
export const completedRuns = (state: AccountState, model: CompiledModel, zone: Zone, at: number): readonly Run[] =>
  runsOf(state, model, zone).filter(
    ({ endAt, endedBy, goneAt }) =>
      endAt <= at && endAt < goneAt && (endedBy === 'steps_and_first_value' || endedBy === 'first_value'),
  )

/** The open run that started last, else the run that ended last; undefined before any start. */
export const measuredRun = (runs: readonly Run[], at: number): Run | undefined => {
  let measured: Run | undefined
  for (const run of runs) {
    if (run.startAt > at || run.goneAt <= at) continue
    const open = isOpen(run, at)
    if (measured === undefined) measured = run
    else if (open) measured = run
    else if (!isOpen(measured, at) && run.endAt >= measured.endAt) measured = run
  }
  return measured
}

/** Required steps done by then. */
export const stepsDone = (run: Run, at: number): number => {
  if (run.completedAt <= at) return run.required
  let done = 0
  for (const completion of run.completions) if (completion.at <= at) done += 1
  return done
}

/** When the newest required step (or the start) was; null when all are done or none is required. */
export const stalledFrom = (run: Run, at: number): number | null => {
  const done = stepsDone(run, at)
  if (run.required === 0 || done >= run.required) return null
  return done === 0 ? run.startAt : run.completions[done - 1]!.at
}
