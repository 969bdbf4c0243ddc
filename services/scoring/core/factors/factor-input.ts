import type { GroupName } from '../evaluation/evaluation.ts'
import type { AccountView } from '../journey/account-view.ts'
import type { FactorModel } from '../models/model.ts'
import { firstDayFrom, sumOfDays } from '../state/day-counts.ts'
import type { AccountState } from '../state/state.ts'

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
  readonly measure: (view: AccountView, factor: FactorModel) => Measurement
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
export const windowStart = (view: AccountView, windowDays: number): number => view.day - windowDays + 1

/** In how many days the oldest of these ascending days, of those in the window, leaves it. */
export const leavesIn = (view: AccountView, days: readonly number[], windowDays: number): number =>
  firstDayFrom(days, windowStart(view, windowDays)) + windowDays - view.day

export const activeUsersOf = (view: AccountView, windowDays: number): number =>
  sumOfDays(view.state.activeUsers, windowStart(view, windowDays), view.day)

/** The latest `seats` trait; null when unknown. */
export const seatsOf = (state: AccountState): number | null => (state.traits.seats as number | undefined) ?? null

export const isConnected = (view: AccountView, group: GroupName): boolean => view.model.connected.has(group)
