import type { Facts } from '#libs/contracts/account-health.ts'
import type { Curve, Model } from '#libs/contracts/health-model.ts'
import type { GroupResult } from '../evaluation/measurements.ts'
import { pointsAt } from '../factors/score-factor.ts'
import { limiting, type Reason, type Signal, weighSignals } from './weigh-signals.ts'

export type RenewalRisk = {
  /** Null for a churned account, and while nothing is known. */
  readonly level: 'low' | 'elevated' | 'high' | null
  /** 0..100, higher is riskier. */
  readonly score: number | null
  readonly reasons: readonly Reason[]
}

/** How much speaks against a renewal: beside the score, never part of it, and no probability. */
export const renewalRisk = (facts: Facts, groups: readonly GroupResult[], rules: Model['renewalRisk']): RenewalRisk => {
  if (facts.stage === 'churned') return { level: null, score: null, reasons: [] }
  const { weights } = rules
  const { score, scoreDelta28d, renewalInDays, autoRenew } = facts
  const signals: readonly Signal[] = [
    { signal: 'health', value: score, points: curved(rules.health, score), weight: weights.health },
    { signal: 'trend', value: scoreDelta28d, points: curved(rules.trend, scoreDelta28d), weight: weights.trend },
    {
      signal: 'renewal_in_days',
      value: renewalInDays,
      points: curved(rules.renewal, renewalInDays),
      weight: weights.renewal,
    },
    {
      signal: 'auto_renew',
      value: autoRenew,
      points: autoRenew === null ? null : autoRenew ? 0 : 100,
      weight: weights.autoRenew,
    },
    ofFactor('payment', 'commercial.payment', groups, weights.payment),
    ofFactor('champion', 'relationship.champion', groups, weights.champion),
  ]
  const weighted = weighSignals(signals)
  const limits = [
    ...(facts.cancelScheduled ? [limiting('cancel_scheduled', true, 'for', rules.cancelScheduled)] : []),
    ...(facts.silentSince === null ? [] : [limiting('silent', true, 'for', rules.silent)]),
  ]
  const risk = [weighted.score, ...limits.map(({ limit }) => limit as number)].reduce<number | null>(
    (most, one) => (one !== null && (most === null || one > most) ? one : most),
    null,
  )
  return { level: levelOf(risk, rules), score: risk, reasons: [...weighted.reasons, ...limits] }
}

const curved = (curve: Curve, value: number | null): number | null => (value === null ? null : pointsAt(curve, value))

/** A factor's points speak against the risk. */
const ofFactor = (signal: string, factor: string, groups: readonly GroupResult[], weight: number): Signal => {
  const found = groups.flatMap(({ factors }) => factors).find((one) => one.factor === factor)
  const points = found?.points ?? null
  return { signal, value: found?.value ?? null, points: points === null ? null : 100 - points, weight }
}

const levelOf = (score: number | null, rules: Model['renewalRisk']): RenewalRisk['level'] => {
  if (score === null) return null
  if (score >= rules.highFrom) return 'high'
  return score >= rules.elevatedFrom ? 'elevated' : 'low'
}
