import type { Zone } from '#libs/time/time-zone.ts'
import type { GroupName } from '../evaluation/evaluation.ts'
import type { Run } from '../journey/journey-runs.ts'
import type { CompiledModel, FactorModel } from '../models/model.ts'
import { firstDayFrom, sumOfDays } from '../state/day-counts.ts'
import type { AccountState } from '../state/state.ts'

/** An account at an instant, as factors, caps and facts see it. No event after `at` is counted in the state. */
export type View = {
  readonly state: AccountState
  readonly model: CompiledModel
  readonly zone: Zone
  readonly at: number
  /** The local day of `at`. */
  readonly day: number
  /** The onboarding journey that is measured; undefined before the first event. */
  readonly run: Run | undefined
  readonly runOpen: boolean
}

/** What a factor finds. `points` null = no data. */
export type Measurement = {
  readonly value: number | null
  readonly points: number | null
  /** 0..1; 0 without data. */
  readonly freshness: number
  /** In how many local days this can first differ with no further event; Infinity when never. */
  readonly changesIn: number
}

export type FactorDefinition = {
  readonly name: string
  readonly group: GroupName
  /** What its row in the model must have. */
  readonly needs: readonly ('windowDays' | 'curve' | 'upTo' | 'beyond')[]
  readonly points?: readonly string[]
  readonly settings?: readonly string[]
  readonly measure: (view: View, factor: FactorModel) => Measurement
}

const NEVER = Number.POSITIVE_INFINITY

const NO_DATA: Measurement = { value: null, points: null, freshness: 0, changesIn: NEVER }

export const noData = (changesIn = NEVER): Measurement =>
  changesIn === NEVER ? NO_DATA : { value: null, points: null, freshness: 0, changesIn }

export const found = (value: number | null, points: number, changesIn: number, freshness = 1): Measurement => ({
  value,
  points,
  freshness,
  changesIn,
})

/** First day of a window of whole local days that ends today. */
export const windowStart = (view: View, windowDays: number): number => view.day - windowDays + 1

/** In how many days the oldest of these ascending days, of those in the window, leaves it. */
export const leavesIn = (view: View, days: readonly number[], windowDays: number): number =>
  firstDayFrom(days, windowStart(view, windowDays)) + windowDays - view.day

export const activeUsersOf = (view: View, windowDays: number): number =>
  sumOfDays(view.state.activeUsers, windowStart(view, windowDays), view.day)

/** The latest `seats` trait; null when unknown. */
export const seatsOf = (state: AccountState): number | null => (state.traits.seats as number | undefined) ?? null

export const isConnected = (view: View, group: GroupName): boolean => view.model.connected.has(group)
