import type { CountedEvent } from '../events/event.ts'
import { boundKeys, compareEventOrders, eventOrderOf } from '../events/event-order.ts'
import { textOf } from '../events/properties.ts'
import type { CompiledModel, TypeRule } from '../models/model.ts'
import { addDay, addToDay, takeFromDay } from './day-counts.ts'
import { type AccountState, own } from './state.ts'

/**
 * Local days of a user (numbers of Zone.dayOf); -1: never. An account may have 100,000 users, so
 * they live outside its state, in pages; the state keeps the counts a score needs.
 */
export type UserDays = { readonly activeDay: number; readonly coreDay: number }

/** The users of one account. `get` throws for a page that is not loaded: see `usersTouchedBy`. */
export type UserActivity = {
  readonly get: (userId: string) => UserDays | undefined
  readonly set: (userId: string, days: UserDays) => void
}

/** For tests, as-of views and rebuilds. */
export const createMemoryUserActivity = (): UserActivity & { readonly entries: () => Iterable<[string, UserDays]> } => {
  const users = new Map<string, UserDays>()
  return {
    get: (userId) => users.get(userId),
    set: (userId, days) => void users.set(userId, days),
    entries: () => users.entries(),
  }
}

/** Core features an account is known to use: the first by name. */
const MOST_FEATURES = 512
const NEVER = -1

type Activity = { readonly day: number; readonly rule: TypeRule; readonly model: CompiledModel }

export const foldActivity = (
  state: AccountState,
  users: UserActivity,
  event: CountedEvent,
  activity: Activity,
): void => {
  const { day, rule, model } = activity
  const { keep } = model
  if (state.lastActivityAt === null || event.occurredAt > state.lastActivityAt) state.lastActivityAt = event.occurredAt
  // A list grown from nothing would have room for 17 days at once.
  if (state.activeDays.length === 0) state.activeDays = [day]
  else addDay(state.activeDays, day, keep.active)
  const feature = event.type === 'Feature Used' ? textOf(event.properties.feature) : rule.feature
  const core =
    rule.core ||
    (event.type === 'Feature Used' &&
      (event.properties.core === true || (feature !== null && model.coreFeatures.has(feature))))
  if (core) {
    addToDay(state.coreEvents, day, 1, keep.core)
    if (feature !== null) foldFeature(state, feature, day)
  }
  const { userId } = event
  if (userId === null || userId === '') return
  const before = users.get(userId)
  const activeDay = before?.activeDay ?? NEVER
  const coreDay = before?.coreDay ?? NEVER
  if (activeDay === NEVER) state.userCount += 1
  if (day > activeDay) moveUser(state.activeUsers, activeDay, day, keep.users)
  if (core && day > coreDay) moveUser(state.coreUsers, coreDay, day, keep.users)
  if (day > activeDay || (core && day > coreDay)) {
    users.set(userId, { activeDay: Math.max(activeDay, day), coreDay: core ? Math.max(coreDay, day) : coreDay })
  }
  if (state.champion?.userId === userId && day > state.championSeenDay) state.championSeenDay = day
}

const foldFeature = (state: AccountState, feature: string, day: number): void => {
  const before = state.features.get(feature)
  if (before !== undefined && before >= day) return
  const features = own(state, 'features')
  features.set(feature, day)
  if (before === undefined) boundKeys(features, MOST_FEATURES)
}

/** Adds the new day first: the series' newest day, which says what is kept, must never fall. */
const moveUser = (series: AccountState['activeUsers'], from: number, to: number, keepDays: number): void => {
  addToDay(series, to, 1, keepDays)
  if (from !== NEVER) takeFromDay(series, from)
}

export const foldChampion = (state: AccountState, users: UserActivity, event: CountedEvent): void => {
  const order = eventOrderOf(event)
  if (state.champion !== null && compareEventOrders(state.champion, order) > 0) return
  const userId = textOf(event.properties.to)
  state.champion = { ...order, userId }
  state.championSeenDay = userId === null ? NEVER : (users.get(userId)?.activeDay ?? NEVER)
}
