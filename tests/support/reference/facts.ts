import { mrrOf, paymentFailedDays, renewalOf, subscriptionsOf } from './contracts.ts'
import { measuredRun, stallOf } from './journeys.ts'
import { championRemoved, detractorWithin90d, openUrgentTickets, renewalInDays } from './measures-of-relation.ts'
import { activeUsers28, seatsOf } from './measures-of-use.ts'
import { above0, activity, daysSince, latest, number, ofType, type Past, text, trait } from './past.ts'
import { round4 } from './points.ts'
import { silenceLimitDays, silentSince } from './silence.ts'
import type { Stage } from './stages.ts'

/**
 * The facts that are functions of the events and the instant alone (`advocate` depends on the path
 * of the band).
 */
export type ReferenceFacts = {
  readonly daysInStage: number
  readonly daysSinceLastActivity: number | null
  readonly silenceLimitDays: number | null
  readonly silentSince: string | null
  readonly renewalInDays: number | null
  readonly autoRenew: boolean | null
  readonly mrr: number | null
  readonly seatUse: number | null
  readonly planUse: number | null
  readonly openUrgentTickets: number | null
  readonly detractorWithin90d: boolean
  readonly paymentFailedDays: number | null
  readonly cancelScheduled: boolean
  readonly championRemoved: boolean
  readonly onboardingOverdueDays: number | null
  readonly onboardingStalledDays: number | null
  readonly ownerId: string | null
}

const planUse = (past: Past): number | null => {
  const event = latest(ofType(past, 'Plan Limit Approached'))
  const used = event && number(event, 'used')
  const limit = event && above0(event, 'limit')
  return used === null || limit === null ? null : round4(used / limit)
}

export const factsOf = (
  past: Past,
  { stage, stageEnteredAt }: { readonly stage: Stage; readonly stageEnteredAt: number | null },
): ReferenceFacts => {
  const lastActivity = latest(activity(past))
  const seats = seatsOf(past)
  const silent = silentSince(past, stage)
  const run = measuredRun(past)
  const openRun = run?.open ? run : null
  return {
    daysInStage: stageEnteredAt === null ? 0 : past.today - past.calendar.dayOf(stageEnteredAt),
    daysSinceLastActivity: lastActivity ? daysSince(past, lastActivity) : null,
    silenceLimitDays: lastActivity ? silenceLimitDays(past, stage) : null,
    silentSince: silent === null ? null : new Date(silent).toISOString(),
    renewalInDays: renewalInDays(past),
    autoRenew: renewalOf(past).autoRenew,
    mrr: mrrOf(past),
    seatUse: seats === null ? null : round4(activeUsers28(past) / seats),
    planUse: planUse(past),
    openUrgentTickets: openUrgentTickets(past),
    detractorWithin90d: detractorWithin90d(past),
    paymentFailedDays: paymentFailedDays(past),
    cancelScheduled: subscriptionsOf(past).some(({ status }) => status === 'scheduled'),
    championRemoved: championRemoved(past),
    onboardingOverdueDays: openRun
      ? Math.max(0, past.today - past.calendar.dayOf(openRun.startAt) - past.model.onboardingTargetDays)
      : null,
    onboardingStalledDays: openRun ? stallOf(past, openRun) : null,
    ownerId: trait(past, (event) => text(event, 'ownerId')),
  }
}
