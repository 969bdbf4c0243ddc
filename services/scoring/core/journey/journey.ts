import type { Stage } from '#libs/contracts/account-health.ts'
import { round4 } from '../largest-remainder.ts'
import { subscriptionsOf } from '../state/subscription-ledger.ts'
import type { EndedBy, Run } from '../state/timeline.ts'
import { type AccountAtInstant, type AccountView, overdueDaysOf, stalledDaysOf, viewOf } from './account-view.ts'
import { type CohortDays, type Eta, etaOf } from './journey-eta.ts'
import { isOpen, stepsDone } from './journey-runs.ts'
import { type Opening, openingOf } from './stage-opening.ts'
import { spanAt } from './stage-timeline.ts'

export { completedSteps, type StepRef } from './journey-steps.ts'

export type StagePassage = {
  readonly stage: Stage
  readonly enteredAt: number
  readonly leftAt: number | null
  readonly openedBy: Opening
}
export type JourneyStep = {
  readonly stepId: string
  readonly completedAt: number | null
  /** Local days since the newest completed step; for open steps of an open journey. */
  readonly stalledDays: number | null
}
export type Gate = {
  readonly gate: 'required_steps' | 'first_value'
  readonly passed: boolean
  readonly passedAt: number | null
}
export type JourneyRun = {
  readonly journeyId: string
  readonly startedAt: number
  readonly endedAt: number | null
  readonly endedBy: EndedBy | null
  readonly requiredSteps: number
  readonly doneSteps: number
  readonly steps: readonly JourneyStep[]
  readonly gates: readonly Gate[]
}
export type Journey = {
  readonly stage: Stage
  readonly since: number | null
  readonly daysInStage: number
  /** 0..100 within the stage; null when it cannot be known. */
  readonly progress: number | null
  /** What the target asks for by now, 0..100; only onboarding has one. */
  readonly expectedProgress: number | null
  readonly eta: Eta
  readonly overdueDays: number | null
  readonly stalledDays: number | null
  /** Until when an account that left onboarding is watched closely; null: it is not. */
  readonly watchUntil: number | null
  readonly history: readonly StagePassage[]
  readonly journeys: readonly JourneyRun[]
}

export type JourneyInput = AccountAtInstant & {
  /** Days to complete onboarding of comparable accounts. */
  readonly cohort?: CohortDays | null
}

/** An account's place in its journey and how it came there, as of `at`. */
export const journeyOf = (input: JourneyInput): Journey => {
  const view = viewOf(input)
  const { zone, at, timeline, run, openRun } = view
  const index = spanAt(timeline, at)
  const span = timeline.spans[index]
  const stage = span?.stage ?? 'onboarding'
  return {
    stage,
    since: span?.at ?? null,
    daysInStage: span === undefined ? 0 : view.day - zone.dayOf(span.at),
    progress: progressOf(view, stage, span?.at ?? at),
    expectedProgress: stage === 'onboarding' && run !== undefined ? expectedOf(view, run) : null,
    eta: etaOf(view, stage, input.cohort ?? null),
    overdueDays: openRun === undefined ? null : overdueDaysOf(openRun, view),
    stalledDays: openRun === undefined ? null : stalledDaysOf(openRun, view),
    watchUntil: watchUntil(view, timeline.spans.slice(0, index + 1)),
    history: timeline.spans.slice(0, index + 1).map((passage, place) => ({
      stage: passage.stage,
      enteredAt: passage.at,
      leftAt: place < index ? timeline.spans[place + 1]!.at : null,
      openedBy: openingOf(view, place),
    })),
    journeys: timeline.runs.filter((one) => one.startAt <= at && one.goneAt > at).map((one) => runView(view, one)),
  }
}

const percent = (share: number): number => round4(100 * Math.min(1, Math.max(0, share)))

const progressOf = (view: AccountView, stage: Stage, since: number): number | null => {
  const { run, day, zone, model } = view
  if (stage === 'onboarding')
    return run === undefined || run.required === 0 ? null : percent(stepsDone(run, view.at) / run.required)
  if (stage === 'churned') return null
  const { renewalDay, termMonths } = subscriptionsOf(view.state).renewal
  if (renewalDay === null) return null
  const { shortTermMonths, shortRenewalWindowDays, renewalWindowDays } = model.model.stages
  const window = termMonths !== null && termMonths <= shortTermMonths ? shortRenewalWindowDays : renewalWindowDays
  if (stage === 'renewal') return percent((window - (renewalDay - day)) / window)
  const sinceDay = zone.dayOf(since)
  return percent((day - sinceDay) / Math.max(1, renewalDay - window - sinceDay))
}

const expectedOf = ({ day, zone, model }: AccountView, run: Run): number =>
  percent((day - zone.dayOf(run.startAt) + 1) / model.model.onboarding.targetDays)

const watchUntil = (
  { zone, model, at }: AccountView,
  spans: readonly { readonly at: number; readonly stage: Stage }[],
): number | null => {
  const leftAt = spans.findLast(
    ({ stage }, place) => stage !== 'onboarding' && spans[place - 1]?.stage === 'onboarding',
  )?.at
  if (leftAt === undefined) return null
  const until = zone.plusDays(leftAt, model.model.stages.watchPeriodDays)
  return until > at ? until : null
}

const runView = (view: AccountView, run: Run): JourneyRun => {
  const { at } = view
  const done = new Map(run.completions.filter((step) => step.at <= at).map((step) => [step.stepId, step.at]))
  const completedAt = run.completedAt <= at ? run.completedAt : null
  const stalledDays = isOpen(run, at) ? stalledDaysOf(run, view) : null
  const stepIds = run.stepIds ?? [...done.keys()]
  const doneSteps = stepsDone(run, at)
  const stepsAt = Math.min(run.completedAt, run.completions[run.required - 1]?.at ?? Number.POSITIVE_INFINITY)
  return {
    journeyId: run.journeyId,
    startedAt: run.startAt,
    endedAt: run.endAt <= at ? run.endAt : null,
    endedBy: run.endAt <= at ? run.endedBy : null,
    requiredSteps: run.required,
    doneSteps,
    steps: stepIds.map((stepId) => {
      const stepAt = done.get(stepId) ?? completedAt
      return { stepId, completedAt: stepAt, stalledDays: stepAt === null ? stalledDays : null }
    }),
    gates: [
      ...(run.required > 0 ? [gate('required_steps', stepsAt, at)] : []),
      gate('first_value', run.firstValueAt, at),
    ],
  }
}

const gate = (name: Gate['gate'], passedAt: number, at: number): Gate =>
  passedAt <= at ? { gate: name, passed: true, passedAt } : { gate: name, passed: false, passedAt: null }
