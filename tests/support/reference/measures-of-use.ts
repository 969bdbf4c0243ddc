import { measuredRun, stallOf } from './journeys.ts'
import {
  above0,
  activity,
  coreEvents,
  daysSince,
  featuresOf,
  latest,
  names,
  type Past,
  trait,
  usersOf,
  within,
} from './past.ts'
import { type Measure, onCurve } from './points.ts'

export const seatsOf = (past: Past): number | null => trait(past, (event) => above0(event, 'seats'))

export const activeUsers28 = (past: Past): number => usersOf(within(past, activity(past), 28)).length

export const activeDaysOf = (past: Past): readonly number[] => [
  ...new Set(activity(past).map((event) => past.calendar.dayOf(event.occurredAt))),
]

const has = (past: Past, group: string, anyOf: readonly unknown[]): boolean =>
  anyOf.length > 0 || past.model.connected.includes(group)

const activeRatio = (past: Past): number | null => {
  const known = usersOf(activity(past))
  const seats = seatsOf(past) ?? known.length
  return has(past, 'usage', known) && seats > 0 ? activeUsers28(past) / seats : null
}

const trend = (past: Past): number | null => {
  const current = 2 * within(past, coreEvents(past), 14).length
  const before = within(past, coreEvents(past), 28, 14).length
  return before < 20 ? null : (current + 5) / (before + 5)
}

const breadth = (past: Past): number | null => {
  const told = trait(past, (event) => names(event, 'entitledFeatures'))
  const ofModel = past.model.coreFeatures.length > 0 ? [...new Set(past.model.coreFeatures)] : null
  const entitled = told ?? ofModel ?? featuresOf(past, coreEvents(past))
  if (entitled.length === 0 || !has(past, 'adoption', activity(past))) return null
  const used = featuresOf(past, within(past, coreEvents(past), 28))
  return used.filter((feature) => entitled.includes(feature)).length / entitled.length
}

const depth = (past: Past): number | null => {
  const active = activeUsers28(past)
  return active === 0 ? null : usersOf(within(past, coreEvents(past), 28)).length / active
}

export const measuresOfUse = (past: Past): Readonly<Record<string, Measure>> => {
  const lastActivity = latest(activity(past))
  const activeDays28 = activeDaysOf(past).filter((day) => past.today - day < 28).length
  return {
    'usage.active_ratio': onCurve('usage.active_ratio', activeRatio(past)),
    'usage.active_days': onCurve('usage.active_days', has(past, 'usage', activity(past)) ? activeDays28 : null),
    'usage.trend': onCurve('usage.trend', trend(past)),
    'usage.recency': onCurve('usage.recency', lastActivity ? daysSince(past, lastActivity) : null),
    'adoption.breadth': onCurve('adoption.breadth', breadth(past)),
    'adoption.depth': onCurve('adoption.depth', depth(past)),
  }
}

const FIRST_VALUE_BY_DAY = 14

export const measuresOfOnboarding = (past: Past): Readonly<Record<string, Measure>> => {
  const run = measuredRun(past)
  if (run === null) return { 'onboarding.progress': null, 'onboarding.stall': null, 'onboarding.first_value': null }
  const startDay = past.calendar.dayOf(run.startAt)
  const elapsed = past.today - startDay + 1
  const expected = Math.min(1, elapsed / past.model.onboardingTargetDays)
  const progress = run.required > 0 ? run.done / run.required / expected : null
  const valueDay = run.firstValueAt === null ? null : past.calendar.dayOf(run.firstValueAt) - startDay
  const late = valueDay === null ? 0 : 50
  const firstValue: Measure =
    valueDay !== null && valueDay <= FIRST_VALUE_BY_DAY
      ? { value: valueDay, points: 100 }
      : past.today - startDay <= FIRST_VALUE_BY_DAY
        ? null
        : { value: valueDay, points: late }
  return {
    'onboarding.progress': onCurve('onboarding.progress', progress),
    'onboarding.stall': onCurve('onboarding.stall', stallOf(past, run)),
    'onboarding.first_value': firstValue,
  }
}
