import type { Facts } from '#libs/contracts/account-health.ts'
import type { Curve, Model } from '#libs/contracts/health-model.ts'
import { pointsAt } from '../factors/score-factor.ts'
import { limiting, type Reason, type Signal, weighSignals } from './weigh-signals.ts'

export type ExpansionReadiness = {
  /** `ready`: use, steady health, no blocker. `unknown`: neither seats nor a limit are known. */
  readonly level: 'ready' | 'building' | 'blocked' | 'unknown'
  readonly score: number | null
  readonly reasons: readonly Reason[]
}

/**
 * Whether to offer more seats or a larger plan: beside the score, never part of it. `dailyScores`
 * were the published scores at this time of day 1, 2, ... days ago.
 */
export const expansionReadiness = (
  facts: Facts,
  dailyScores: readonly (number | null)[],
  rules: Model['expansion'],
): ExpansionReadiness => {
  const { weights, healthyScore, minimumUse } = rules
  const healthyDays = healthyDaysOf([facts.score, ...dailyScores.slice(0, rules.healthyDays)], healthyScore)
  const signals: readonly Signal[] = [
    along('health', facts.score, rules.health, weights.health),
    along(
      'healthy_days',
      facts.score === null ? null : healthyDays,
      [
        [0, 0],
        [rules.healthyDays, 100],
      ],
      weights.healthyDays,
    ),
    along('seat_use', facts.seatUse, rules.use, weights.seatUse),
    along('plan_use', facts.planUse, rules.use, weights.planUse),
  ]
  const { score, reasons } = weighSignals(signals)
  const blockers = blockersOf(facts)
  const use = Math.max(facts.seatUse ?? -1, facts.planUse ?? -1)
  const steady = healthyDays >= rules.healthyDays
  const level = (): ExpansionReadiness['level'] => {
    if (blockers.length > 0) return 'blocked'
    if (use < 0) return 'unknown'
    return steady && use >= minimumUse ? 'ready' : 'building'
  }
  return { level: level(), score, reasons: [...reasons, ...blockers] }
}

/** Whole consecutive days, back from now, with a healthy score. */
const healthyDaysOf = (scores: readonly (number | null)[], healthyScore: number): number => {
  const first = scores.findIndex((score) => score === null || score < healthyScore)
  return Math.max(0, (first === -1 ? scores.length : first) - 1)
}

const along = (signal: string, value: number | null, curve: Curve, weight: number): Signal => ({
  signal,
  value,
  points: value === null ? null : pointsAt(curve, value),
  weight,
})

const blockersOf = (facts: Facts): readonly Reason[] => {
  const blocks = (signal: string, value: number | boolean): Reason => limiting(signal, value, 'against', 'blocks')
  return [
    ...(facts.stage === 'churned' ? [blocks('churned', true)] : []),
    ...(facts.cancelScheduled ? [blocks('cancel_scheduled', true)] : []),
    ...(facts.openUrgentTickets ? [blocks('open_urgent_tickets', facts.openUrgentTickets)] : []),
    ...(facts.detractorWithin90d ? [blocks('detractor', true)] : []),
    ...(facts.paymentFailedDays === null ? [] : [blocks('payment_failed_days', facts.paymentFailedDays)]),
  ]
}
