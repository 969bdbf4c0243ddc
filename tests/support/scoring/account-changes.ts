import type { AccountHealth, Facts } from '#libs/contracts/account-health.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import { facts } from '../alerting/alert-script.ts'

const bandOf = (score: number): AccountHealth['health']['band'] =>
  score >= 75 ? 'healthy' : score >= 50 ? 'watch' : score >= 25 ? 'at_risk' : 'critical'

export type Change = {
  readonly sequence: number
  readonly at: number
  readonly score: number
  readonly previousScore?: number
  readonly accountId?: string
  readonly tenantId?: string
  readonly backfill?: boolean
  readonly facts?: Partial<Facts>
  readonly traits?: Record<string, unknown>
  readonly steps?: AccountHealth['stepsCompleted']
}

/** A message of `account.health`; the band is the plain one of the score. */
export const accountChange = (change: Change): AccountHealth => {
  const { sequence, score, previousScore = null, accountId = 'acme', tenantId = 'default' } = change
  const band = change.facts?.band ?? bandOf(score)
  const seen = facts({ score, band, sequence, ...change.facts })
  return {
    changeId: derivedId('test-change', tenantId, accountId, sequence),
    tenantId,
    accountId,
    sequence,
    at: new Date(change.at).toISOString(),
    model: { id: 'default', version: 1 },
    evidence: {},
    backfill: change.backfill ?? false,
    health: {
      score,
      previousScore,
      computedScore: score,
      band,
      previousBand: previousScore === null ? null : bandOf(previousScore),
      confidence: seen.confidence,
      stage: seen.stage,
      previousStage: previousScore === null ? null : seen.stage,
    },
    cause: 'events',
    explanation: [
      {
        factor: 'usage.trend',
        delta: score - (previousScore ?? 0),
        pointsBefore: 50,
        pointsAfter: 40,
        before: 0.9,
        after: 0.6,
        cause: 'events',
      },
    ],
    facts: seen,
    traits: change.traits ?? {},
    stepsCompleted: change.steps ?? [],
  }
}
