import { HOUR_MS } from '#libs/runtime/durations.ts'
import { leavesIn, seatsOf } from '../factors/factor-input.ts'
import { FACTORS } from '../factors/factor-table.ts'
import { factorChangesIn } from '../factors/score-factor.ts'
import { urgentSinceDay } from '../factors/support-urgent-open.ts'
import type { AccountView } from '../journey/account-view.ts'
import type { CoreFacts, Override } from './evaluation.ts'
import type { Measured } from './measurements.ts'
import { groupWeight, type Standing } from './stage-weights.ts'

const NEVER = Number.POSITIVE_INFINITY

export type NextEvaluationContext = {
  readonly view: AccountView
  readonly standing: Standing
  readonly facts: CoreFacts
  readonly measured: Measured
  readonly inactiveFrom: number | null
  readonly sourcesNextAt: number
  readonly override: Override | null
  readonly healthySince: number | null
}

/**
 * The earliest later instant at which time alone can change score, stage or a fact.
 * Facts that only count days (since the last activity, to the renewal, ...) wake the account at
 * each local midnight for `counterDays` days, so that a rule on any value fires on its day. After
 * that, as `daysInStage` always is, they are published with the next change.
 */
export const nextEvaluationAt = (context: NextEvaluationContext): number | null => {
  const { view } = context
  const { at, day, zone } = view
  const inDays = daysUntilChange(context)
  let evaluateAt = instantOfChange(context)
  if (inDays !== NEVER) {
    const midnight = zone.startOfDay(day + Math.max(1, inDays))
    // A clock set back across midnight repeats a day: its end is then looked for hour by hour.
    evaluateAt = Math.min(evaluateAt, midnight > at ? midnight : at + HOUR_MS)
  }
  return evaluateAt === NEVER ? null : evaluateAt
}

const instantOfChange = (context: NextEvaluationContext): number => {
  const { view, inactiveFrom, sourcesNextAt, override, healthySince } = context
  const { at, state, timeline } = view
  let next = sourcesNextAt
  const consider = (instant: number | null | undefined): void => {
    if (instant !== null && instant !== undefined && instant > at && instant < next) next = instant
  }
  consider(inactiveFrom)
  consider(override?.expiresAt)
  consider(state.pending[0]?.occurredAt)
  for (const span of timeline.spans) consider(span.at)
  for (const run of timeline.runs) consider(run.endAt)
  if (healthySince !== null && Math.max(state.promoterDay, state.advocacyDay) >= 0)
    consider(advocateFrom(view, healthySince))
  return next
}

/** When the account will have been healthy for long enough, by local days. */
const advocateFrom = ({ zone, model }: AccountView, healthySince: number): number =>
  zone.startOfDay(zone.dayOf(healthySince) + model.model.facts.advocateHealthyDays)

const daysUntilChange = (context: NextEvaluationContext): number => {
  const { view, standing } = context
  const { state, day, model } = view
  const { facts, caps } = model.model
  let days = daysOfCounters(context)
  if (days > 1) days = Math.min(days, factorsChangeInDays(context))
  if (days === 1) return 1
  const consider = (onDay: number): void => {
    if (onDay > day && onDay - day < days) days = onDay - day
  }
  if (standing.share < 1 && standing.from !== standing.to) consider(day + 1)
  if (seatsOf(state) !== null) consider(day + leavesIn(view, state.activeUsers.days, model.seatUseDays))
  if (state.detractorDay >= 0) consider(state.detractorDay + facts.detractorDays)
  if (context.facts.advocate) consider(Math.max(state.promoterDay, state.advocacyDay) + facts.advocacyDays)
  for (const { name, overDays } of caps) {
    const since = name === 'urgent_ticket_open' ? urgentSinceDay(view) : null
    if (since !== null) consider(since + (overDays ?? 0) + 1)
    const failed = name === 'payment_failed' ? context.facts.paymentFailedDays : null
    if (failed !== null) consider(day - failed + (overDays ?? 0) + 1)
  }
  return days
}

/** Of the factors that bear weight. */
const factorsChangeInDays = ({ view, standing, measured }: NextEvaluationContext): number => {
  let days = NEVER
  let index = 0
  for (const group of view.model.model.groups) {
    const weighs = groupWeight(group, standing) > 0
    for (const row of group.factors) {
      const found = measured.factors[index++]!
      if (weighs) days = Math.min(days, factorChangesIn(FACTORS[row.name], view, row, found))
    }
  }
  return days
}

const daysOfCounters = ({ view, facts }: NextEvaluationContext): number => {
  const { counterDays } = view.model.model.facts
  const rising = [facts.daysSinceLastActivity, facts.paymentFailedDays, facts.onboardingStalledDays]
  for (const value of rising) if (value !== null && value < counterDays) return 1
  let days = NEVER
  if (facts.renewalInDays !== null) {
    if (Math.abs(facts.renewalInDays) <= counterDays) return 1
    if (facts.renewalInDays > 0) days = facts.renewalInDays - counterDays
  }
  const overdue = facts.onboardingOverdueDays
  if (overdue === null || overdue >= counterDays) return days
  if (overdue > 0) return 1
  const startDay = view.zone.dayOf(view.run!.startAt)
  return Math.min(days, startDay + view.model.model.onboarding.targetDays + 1 - view.day)
}
