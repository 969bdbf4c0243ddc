import type { GroupName } from '#libs/contracts/health-model.ts'
import { positiveOf } from '../events/properties.ts'
import type { AccountView } from '../journey/account-view.ts'
import { firstDayFrom, sumOfDays } from '../state/day-counts.ts'
import type { AccountState } from '../state/state.ts'

/** First day of a window of whole local days that ends today. */
export const windowStart = (view: AccountView, windowDays: number): number => view.day - windowDays + 1

/** In how many days the oldest day of the window leaves it. `days` ascend. */
export const leavesIn = (view: AccountView, days: readonly number[], windowDays: number): number =>
  firstDayFrom(days, windowStart(view, windowDays)) + windowDays - view.day

export const activeUsersOf = (view: AccountView, windowDays: number): number =>
  sumOfDays(view.state.activeUsers, windowStart(view, windowDays), view.day)

/** The latest `seats` trait; null when unknown. */
export const seatsOf = (state: AccountState): number | null => positiveOf(state.traits.seats)

export const isConnected = (view: AccountView, group: GroupName): boolean => view.model.connected.has(group)
