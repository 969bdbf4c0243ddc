import type { Zone } from '#libs/time/time-zone.ts'
import type { CompiledModel } from '../models/model.ts'
import type { AccountState } from '../state/state.ts'
import type { Run, Timeline } from '../state/timeline.ts'
import { isOpen, measuredRun, stalledFrom } from './journey-runs.ts'
import { timelineOf } from './stage-timeline.ts'

/** `state` counts no event after `at`; later events wait in `state.pending`. */
export type AccountAtInstant = {
  readonly state: AccountState
  readonly model: CompiledModel
  readonly zone: Zone
  readonly at: number
}

/** An account at an instant, as its journey, factors, facts and caps see it. */
export type AccountView = AccountAtInstant & {
  readonly day: number
  readonly timeline: Timeline
  /** The onboarding journey that is measured; undefined before the first event. */
  readonly run: Run | undefined
  /** The same journey while it is open, else undefined. */
  readonly openRun: Run | undefined
}

export const viewOf = ({ state, model, zone, at }: AccountAtInstant): AccountView => {
  const timeline = timelineOf(state, model, zone)
  const run = measuredRun(timeline.runs, at)
  const openRun = run !== undefined && isOpen(run, at) ? run : undefined
  return { state, model, zone, at, day: zone.dayOf(at), timeline, run, openRun }
}

/** Local days by which a journey is past its target; 0 before that. */
export const overdueDaysOf = (run: Run, { day, zone, model }: AccountView): number =>
  Math.max(0, day - zone.dayOf(run.startAt) - model.model.onboarding.targetDays)

/** Local days since the newest required step of a journey. Null without required steps. */
export const stalledDaysOf = (run: Run, { at, day, zone }: AccountView): number | null => {
  if (run.required === 0) return null
  const from = stalledFrom(run, at)
  return from === null ? 0 : day - zone.dayOf(from)
}
