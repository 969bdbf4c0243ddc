import { count, firstEvent, flag, names, ofType, type Past, type ReferenceEvent, text } from './past.ts'
import { BYPASS } from './reference-model.ts'

/** One run of an onboarding journey. */
export type Run = {
  readonly startAt: number
  /** 0 = no known required steps. */
  readonly required: number
  readonly done: number
  /** First completion of the newest done step. */
  readonly newestStepAt: number | null
  readonly firstValueAt: number | null
  /** Null while nothing known ends it; can lie ahead. */
  readonly endAt: number | null
  readonly open: boolean
}

type Start = {
  readonly journeyId: string
  readonly startAt: number
  readonly list: readonly string[]
  readonly required: number
}

const journeyIdOf = (event: ReferenceEvent): string => text(event, 'journeyId') ?? 'main'

const startsOf = (past: Past): readonly Start[] => {
  const modelList = [...new Set(past.model.requiredSteps)]
  const started = ofType(past, 'Onboarding Started')
  const first = firstEvent(past)
  if (started.length === 0) {
    return first ? [{ journeyId: 'main', startAt: first.occurredAt, list: modelList, required: modelList.length }] : []
  }
  return started.map((event) => {
    const steps = names(event, 'steps')
    const stepCount = count(event, 'stepCount')
    const list = steps ?? (stepCount !== null ? [] : modelList)
    return {
      journeyId: journeyIdOf(event),
      startAt: event.occurredAt,
      list,
      required: steps === null && stepCount !== null ? stepCount : list.length,
    }
  })
}

const smallest = (instants: readonly (number | null)[]): number | null => {
  const known = instants.filter((instant) => instant !== null)
  return known.length > 0 ? Math.min(...known) : null
}

const runOf = (past: Past, start: Start, replacedAt: number | null): Run => {
  const { startAt, list, required } = start
  // All events of the millisecond of a start follow it, so a run has its first instant and not the
  // next run's.
  const own = past.events.filter(
    ({ occurredAt }) => occurredAt >= startAt && (replacedAt === null || occurredAt < replacedAt),
  )
  const ofJourney = own.filter((event) => journeyIdOf(event) === start.journeyId)
  const firstCompletions = new Map<string, number>()
  for (const event of ofJourney) {
    if (event.type !== 'Onboarding Step Completed' || flag(event, 'required') === false) continue
    const stepId = text(event, 'stepId')
    if (stepId === null || (list.length > 0 && !list.includes(stepId)) || firstCompletions.has(stepId)) continue
    firstCompletions.set(stepId, event.occurredAt)
  }
  const completions = [...firstCompletions.values()]
  const completedAt = ofJourney.find(({ type }) => type === 'Onboarding Completed')?.occurredAt ?? null
  const lastStepAt = required > 0 ? (completions[required - 1] ?? null) : null
  const allDoneAt = required > 0 ? smallest([lastStepAt, completedAt]) : null
  const valueTypes = ['Value Realized', 'Goal Achieved', ...past.model.firstValueTypes]
  const firstValueAt =
    past.events.find(({ type, occurredAt }) => valueTypes.includes(type) && occurredAt >= startAt)?.occurredAt ?? null
  const bypassedAt = ofJourney.find(({ type }) => type === BYPASS)?.occurredAt ?? null
  const gateAt =
    required > 0
      ? allDoneAt !== null && firstValueAt !== null
        ? Math.max(allDoneAt, firstValueAt)
        : null
      : smallest([firstValueAt, past.calendar.plusDays(startAt, past.model.onboardingTargetDays)])
  const endAt = smallest([gateAt, bypassedAt, replacedAt])
  return {
    startAt,
    required,
    done: allDoneAt !== null ? required : Math.min(required, completions.length),
    newestStepAt: completions.length > 0 ? Math.max(...completions) : null,
    firstValueAt,
    endAt,
    open: endAt === null || endAt > past.at,
  }
}

/** Every run, in the order of their starts. */
export const runsOf = (past: Past): readonly Run[] => {
  const starts = startsOf(past)
  return starts.map((start, index) => {
    const next = starts.slice(index + 1).find((other) => other.journeyId === start.journeyId)
    return runOf(past, start, next?.startAt ?? null)
  })
}

/**
 * The open run started last; with none open the one that ended last, of several the one started
 * last.
 */
export const measuredRun = (past: Past): Run | null => {
  const runs = runsOf(past)
  const open = runs.filter((run) => run.open)
  if (open.length > 0) return open.at(-1)!
  const lastEnd = Math.max(...runs.map((run) => run.endAt!))
  return runs.filter((run) => run.endAt === lastEnd).at(-1) ?? null
}

/** Days without a new required step: null without required steps. */
export const stallOf = (past: Past, run: Run): number | null => {
  if (run.required === 0) return null
  if (run.done === run.required) return 0
  return past.today - past.calendar.dayOf(run.newestStepAt ?? run.startAt)
}
