import type { Band, Stage } from '#libs/contracts/account-health.ts'
import { round4 } from '../largest-remainder.ts'

/** Sums over a band and stage. Weighted: over accounts with a score and an MRR above 0. */
export type PortfolioPart = {
  readonly band: Band
  readonly stage: Stage
  readonly accounts: number
  readonly scored: number
  readonly score: number
  readonly weightedScore: number
  readonly weightedMrr: number
  readonly withMrr: number
  readonly mrr: number
}

type Count = { readonly accounts: number; readonly mrr: number }

/** Churned accounts count by stage only. */
export type Portfolio = {
  readonly accounts: number
  readonly scored: number
  readonly meanScore: number | null
  readonly mrrWeightedScore: number | null
  /** Null while no account has an MRR. */
  readonly mrr: number | null
  readonly mrrAtRisk: number | null
  readonly bands: Readonly<Record<Band, Count>>
  readonly stages: Readonly<Record<Stage, Count>>
}

const AT_RISK: ReadonlySet<Band> = new Set(['at_risk', 'critical'])

export const portfolioOf = (parts: readonly PortfolioPart[]): Portfolio => {
  const live = parts.filter(({ stage }) => stage !== 'churned')
  const sum = (
    of: readonly PortfolioPart[],
    name: 'accounts' | 'scored' | 'score' | 'weightedScore' | 'weightedMrr' | 'withMrr' | 'mrr',
  ) => of.reduce((total, part) => total + part[name], 0)
  const count = (of: readonly PortfolioPart[]): Count => ({
    accounts: sum(of, 'accounts'),
    mrr: round4(sum(of, 'mrr')),
  })
  const inBand = (band: Band): Count => count(live.filter((part) => part.band === band))
  const inStage = (stage: Stage): Count => count(parts.filter((part) => part.stage === stage))
  const ratio = (total: number, of: number): number | null => (of === 0 ? null : round4(total / of))
  const hasMrr = sum(live, 'withMrr') > 0
  return {
    accounts: sum(live, 'accounts'),
    scored: sum(live, 'scored'),
    meanScore: ratio(sum(live, 'score'), sum(live, 'scored')),
    mrrWeightedScore: ratio(sum(live, 'weightedScore'), sum(live, 'weightedMrr')),
    mrr: hasMrr ? round4(sum(live, 'mrr')) : null,
    mrrAtRisk: hasMrr ? count(live.filter(({ band }) => AT_RISK.has(band))).mrr : null,
    bands: {
      healthy: inBand('healthy'),
      watch: inBand('watch'),
      at_risk: inBand('at_risk'),
      critical: inBand('critical'),
      insufficient_data: inBand('insufficient_data'),
    },
    stages: {
      onboarding: inStage('onboarding'),
      adoption: inStage('adoption'),
      renewal: inStage('renewal'),
      churned: inStage('churned'),
    },
  }
}
