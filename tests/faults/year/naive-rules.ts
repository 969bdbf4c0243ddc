import type { Facts } from '#libs/contracts/account-health.ts'
import { type Sighting, TICKS_PER_DAY } from './lives.ts'

/** True, false, or null: it cannot be known. */
export type Truth = boolean | null

/**
 * An account at a tick: what stands, and all that this rule could read of it until now, oldest
 * first.
 */
export type Look = { readonly facts: Facts; readonly tick: number; readonly read: readonly Sighting[] }

/**
 * The shipped rules, told a second time in plain words of their description: nothing here is shared
 * with the product.
 */
export type NaiveRule = {
  readonly id: string
  readonly severity: 'info' | 'warning' | 'critical'
  /** Speaks at any confidence. */
  readonly hard?: true
  readonly cooldownDays?: number
  readonly reminds?: false
  readonly tells?: 'opportunity' | 'digest'
  readonly momentary?: true
  readonly mutedBy?: string
  readonly looksAt?: (facts: Facts) => boolean
  readonly holds: (look: Look) => Truth
  /** Default: it does not hold. */
  readonly isOver?: (look: Look) => Truth
}

const both = (...truths: readonly Truth[]): Truth =>
  truths.includes(false) ? false : truths.includes(null) ? null : true
const either = (...truths: readonly Truth[]): Truth =>
  truths.includes(true) ? true : truths.includes(null) ? null : false
const not = (truth: Truth): Truth => (truth === null ? null : !truth)

const isLow = ({ band }: Facts): boolean => band === 'at_risk' || band === 'critical'
const known = <Value>(value: Value | null, holds: (value: Value) => boolean): Truth =>
  value === null ? null : holds(value)
const scoreIs = ({ score }: Facts, holds: (score: number) => boolean): Truth => known(score, holds)

/** How the revenue differs from what it was 91 days ago; null while it was not read for so long. */
const revenueMoved = ({ facts, tick, read }: Look, holds: (by: number) => boolean): Truth => {
  const then = read.findLast((one) => one.tick <= tick - 91 * TICKS_PER_DAY)
  return then === undefined ? null : holds(facts.mrr! - then.facts.mrr!)
}

/** Whether the score was high at all that was read for so many days. */
const highFor = ({ tick, read }: Look, days: number): boolean => {
  const lastLow = read.findLastIndex((one) => (one.facts.score ?? 100) < 75)
  const since = read.slice(lastLow + 1).find((one) => one.facts.score !== null)
  return since !== undefined && tick - since.tick >= days * TICKS_PER_DAY
}
const usesUp = (facts: Facts, share: number): Truth =>
  either(facts.seatUse === null ? null : facts.seatUse >= share, facts.planUse === null ? null : facts.planUse >= share)

/** Score and revenue say opposite things, with those lines. */
const disagree = (look: Look, high: number, low: number): Truth =>
  either(
    both(
      scoreIs(look.facts, (score) => score >= high),
      revenueMoved(look, (by) => by < 0),
    ),
    both(
      scoreIs(look.facts, (score) => score < low),
      revenueMoved(look, (by) => by > 0),
    ),
  )

export const NAIVE_RULES: readonly NaiveRule[] = [
  { id: 'cancel_scheduled', severity: 'critical', hard: true, holds: ({ facts }) => facts.cancelScheduled },
  { id: 'critical_entered', severity: 'critical', holds: ({ facts }) => facts.band === 'critical' },
  {
    id: 'drop_20_in_28d',
    severity: 'critical',
    holds: ({ facts }) => known(facts.scoreDelta28d, (by) => by <= -20),
    isOver: ({ facts }) => known(facts.scoreDelta28d, (by) => by > -15),
  },
  { id: 'at_risk_entered', severity: 'warning', mutedBy: 'critical_entered', holds: ({ facts }) => isLow(facts) },
  { id: 'champion_removed', severity: 'warning', hard: true, holds: ({ facts }) => facts.championRemoved },
  { id: 'detractor_received', severity: 'warning', hard: true, holds: ({ facts }) => facts.detractorWithin90d },
  {
    id: 'drop_15_in_28d',
    severity: 'warning',
    mutedBy: 'drop_20_in_28d',
    holds: ({ facts }) => known(facts.scoreDelta28d, (by) => by <= -15),
    isOver: ({ facts }) => known(facts.scoreDelta28d, (by) => by > -10),
  },
  {
    id: 'onboarding_overdue',
    severity: 'warning',
    holds: ({ facts }) => known(facts.onboardingOverdueDays, (days) => days > 0),
    isOver: ({ facts: { onboardingOverdueDays: days } }) => days === null || days === 0,
  },
  {
    id: 'onboarding_stalled',
    severity: 'warning',
    holds: ({ facts }) => known(facts.onboardingStalledDays, (days) => days >= 14),
    isOver: ({ facts: { onboardingStalledDays: days } }) => days === null || days < 14,
  },
  { id: 'payment_failed', severity: 'warning', hard: true, holds: ({ facts }) => facts.paymentFailedDays !== null },
  {
    id: 'renewal_at_risk',
    severity: 'warning',
    looksAt: ({ stage }) => stage !== 'churned',
    holds: ({ facts }) =>
      both(
        facts.renewalInDays! <= 90,
        scoreIs(facts, (score) => score < 67),
      ),
    isOver: ({ facts }) =>
      either(
        facts.renewalInDays! > 90,
        scoreIs(facts, (score) => score >= 75),
      ),
  },
  { id: 'silence', severity: 'warning', hard: true, holds: ({ facts }) => facts.silentSince !== null },
  {
    id: 'drop_10_in_7d',
    severity: 'info',
    tells: 'digest',
    reminds: false,
    holds: ({ facts }) => known(facts.scoreDelta7d, (by) => by <= -10),
    isOver: ({ facts }) => known(facts.scoreDelta7d, (by) => by > -5),
  },
  {
    id: 'expansion_ready',
    severity: 'info',
    tells: 'opportunity',
    reminds: false,
    cooldownDays: 30,
    holds: (look) =>
      both(
        highFor(look, 28),
        usesUp(look.facts, 0.8),
        look.facts.openUrgentTickets === null || look.facts.openUrgentTickets === 0,
        !look.facts.detractorWithin90d,
      ),
    isOver: ({ facts }) =>
      not(
        both(
          scoreIs(facts, (score) => score >= 67),
          usesUp(facts, 0.7),
          !facts.detractorWithin90d,
        ),
      ),
  },
  {
    id: 'health_revenue_disagree',
    severity: 'info',
    reminds: false,
    holds: (look) => disagree(look, 75, 50),
    isOver: (look) => not(disagree(look, 67, 58)),
  },
  {
    id: 'recovered',
    severity: 'info',
    momentary: true,
    reminds: false,
    holds: ({ facts, read }) => (read.length < 2 ? null : !isLow(facts) && isLow(read.at(-2)!.facts)),
  },
]
