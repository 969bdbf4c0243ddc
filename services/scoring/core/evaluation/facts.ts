import type { Band } from '#libs/contracts/account-health.ts'
import { numberOf, positiveOf } from '../events/properties.ts'
import { NEVER } from '../factors/factor.ts'
import { activeUsersOf, leavesIn, seatsOf } from '../factors/factor-input.ts'
import { paymentFailedDays } from '../factors/payment.ts'
import { hasSupport } from '../factors/support-ticket-rate.ts'
import { urgentTickets } from '../factors/support-urgent-open.ts'
import { type AccountView, overdueDaysOf, stalledDaysOf } from '../journey/account-view.ts'
import { round4, UNITS_PER_POINT } from '../largest-remainder.ts'
import { subscriptionsOf } from '../state/subscription-ledger.ts'
import { isChampionRemoved } from './caps.ts'
import type { CoreFacts } from './evaluation.ts'
import type { Measured } from './measurements.ts'
import type { Standing } from './stage-weights.ts'

export type Found = {
  readonly view: AccountView
  readonly standing: Standing
  readonly measured: Measured
  readonly score: number | null
  readonly band: Band
  readonly confidence: number
  readonly limitDays: number | null
  /** Null unless the account is inactive. */
  readonly silentSince: number | null
  readonly advocate: boolean
}

export const factsOf = (found: Found): CoreFacts => {
  const { view, standing, measured, score, band, confidence, limitDays, silentSince, advocate } = found
  const { state, day, zone, openRun } = view
  const { mrr, renewal, anyScheduled } = subscriptionsOf(state)
  return {
    score,
    band,
    confidence,
    stage: standing.stage,
    daysInStage: standing.daysInStage,
    daysSinceLastActivity: state.lastActivityAt === null ? null : day - zone.dayOf(state.lastActivityAt),
    silenceLimitDays: limitDays,
    silentSince: silentSince === null ? null : new Date(silentSince).toISOString(),
    renewalInDays: renewal.renewalDay === null ? null : renewal.renewalDay - day,
    autoRenew: renewal.autoRenew,
    mrr: mrr === null ? null : round4(mrr),
    seatUse: seatUseOf(view),
    planUse: planUseOf(view),
    openUrgentTickets: hasSupport(view) ? urgentTickets(view) : null,
    detractorWithin90d: isWithin(state.detractorDay, day, view.model.model.facts.detractorDays),
    paymentFailedDays: paymentFailedDays(view),
    cancelScheduled: anyScheduled,
    championRemoved: isChampionRemoved(view),
    onboardingOverdueDays: openRun === undefined ? null : overdueDaysOf(openRun, view),
    onboardingStalledDays: openRun === undefined ? null : stalledDaysOf(openRun, view),
    ownerId: (state.traits.ownerId as string | undefined) ?? null,
    advocate,
    topContributions: topOf(measured, view.model.model.facts.topContributions),
  }
}

type ChangesIn = (facts: CoreFacts, view: AccountView) => number

/** A counting fact brings an evaluation each midnight for `counterDays` days. */
const countsUp =
  (name: 'daysSinceLastActivity' | 'paymentFailedDays' | 'onboardingStalledDays'): ChangesIn =>
  (facts, view) => {
    const days = facts[name]
    return days !== null && days < view.model.model.facts.counterDays ? 1 : NEVER
  }

const daysTo = (onDay: number, { day }: AccountView): number => (onDay > day ? onDay - day : NEVER)

/**
 * Local days until time alone changes each fact; Infinity: never. Null: only events change the
 * fact, or it has its own instant (`next-evaluation.ts`); `daysInStage` waits for a change.
 */
const CHANGES_IN: Readonly<Record<keyof CoreFacts, ChangesIn | null>> = {
  daysSinceLastActivity: countsUp('daysSinceLastActivity'),
  paymentFailedDays: countsUp('paymentFailedDays'),
  onboardingStalledDays: countsUp('onboardingStalledDays'),
  renewalInDays: ({ renewalInDays: days }, { model }) => {
    const { counterDays } = model.model.facts
    if (days === null || days < -counterDays) return NEVER
    return days <= counterDays ? 1 : days - counterDays
  },
  onboardingOverdueDays: ({ onboardingOverdueDays: days }, { openRun, day, zone, model: { model } }) => {
    if (days === null || days >= model.facts.counterDays || openRun === undefined) return NEVER
    return days > 0 ? 1 : zone.dayOf(openRun.startAt) + model.onboarding.targetDays + 1 - day
  },
  seatUse: ({ seatUse }, view) =>
    seatUse === null ? NEVER : leavesIn(view, view.state.activeUsers.days, view.model.seatUseDays),
  detractorWithin90d: ({ detractorWithin90d }, view) =>
    detractorWithin90d ? daysTo(view.state.detractorDay + view.model.model.facts.detractorDays, view) : NEVER,
  advocate: ({ advocate }, view) =>
    advocate
      ? daysTo(Math.max(view.state.promoterDay, view.state.advocacyDay) + view.model.model.facts.advocacyDays, view)
      : NEVER,
  score: null,
  band: null,
  confidence: null,
  stage: null,
  daysInStage: null,
  silenceLimitDays: null,
  silentSince: null,
  autoRenew: null,
  mrr: null,
  planUse: null,
  openUrgentTickets: null,
  cancelScheduled: null,
  championRemoved: null,
  ownerId: null,
  topContributions: null,
}
const CHANGING = Object.values(CHANGES_IN).filter((changesIn) => changesIn !== null)

/** Local days until time alone changes any fact. */
export const factsChangeIn = (facts: CoreFacts, view: AccountView): number => {
  let days = NEVER
  for (const changesIn of CHANGING) {
    days = Math.min(days, changesIn(facts, view))
    if (days === 1) break
  }
  return days
}

/** Whether a day lies in the window of `windowDays` days that ends today. */
export const isWithin = (day: number, today: number, windowDays: number): boolean =>
  day >= 0 && day > today - windowDays

/** Active users of the last `seatUseDays` / the `seats` trait. */
const seatUseOf = (view: AccountView): number | null => {
  const seats = seatsOf(view.state)
  return seats === null ? null : round4(activeUsersOf(view, view.model.seatUseDays) / seats)
}

const planUseOf = ({ state }: AccountView): number | null => {
  const used = numberOf(state.planLimit?.used)
  const limit = positiveOf(state.planLimit?.limit)
  return used === null || limit === null ? null : round4(used / limit)
}

/** The largest contributions above 0, ties in the model's order. */
const topOf = ({ model, factorUnits }: Measured, most: number): CoreFacts['topContributions'] => {
  const top: number[] = []
  for (let index = 0; index < factorUnits.length; index += 1) {
    const units = factorUnits[index]!
    if (units <= 0) continue
    let place = top.length
    while (place > 0 && factorUnits[top[place - 1]!]! < units) place -= 1
    if (place >= most) continue
    top.splice(place, 0, index)
    if (top.length > most) top.pop()
  }
  return top.map((index) => ({
    factor: model.factors[index]!.name,
    contribution: factorUnits[index]! / UNITS_PER_POINT,
  }))
}
