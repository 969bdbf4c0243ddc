import type { Band } from '#libs/contracts/account-health.ts'
import type { Model } from '#libs/contracts/health-model.ts'

type Limits = Model['bands']

/** The band of a score with no past. */
export const plainBand = (score: number, limits: Limits): Band => {
  if (score >= limits.healthy) return 'healthy'
  if (score >= limits.watch) return 'watch'
  return score >= limits.atRisk ? 'at_risk' : 'critical'
}

/**
 * The band of a published score. Leaving a low band upwards, or healthy downwards, takes the margin
 * beyond the line: a hovering score keeps its band. A jump over several bands passes each margin.
 */
export const bandAfter = (score: number | null, confidence: number, previous: Band | null, limits: Limits): Band => {
  if (score === null || confidence < limits.insufficientBelow) return 'insufficient_data'
  const margin = limits.recoveryMargin
  const plain = plainBand(score, limits)
  switch (previous) {
    case 'healthy':
      return score >= limits.healthy - margin ? 'healthy' : plain
    case 'critical':
      if (score < limits.atRisk + margin) return 'critical'
      return score < limits.watch + margin ? 'at_risk' : plain
    case 'at_risk':
      return plain !== 'critical' && score < limits.watch + margin ? 'at_risk' : plain
    default:
      return plain
  }
}
