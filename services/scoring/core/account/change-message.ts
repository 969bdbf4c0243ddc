import type { AccountHealth, Facts } from '#libs/contracts/account-health.ts'
import type { Evaluation } from '../evaluation/evaluation.ts'
import { round4 } from '../largest-remainder.ts'
import type { Account, PastScore } from './account.ts'
import type { Change } from './apply-events.ts'

/** The change as `account.health` and `/changes` show it. The caller derives `changeId`. */
export const changeMessage = (
  account: Account,
  change: Change,
  changeId: string,
  model: AccountHealth['model'],
): AccountHealth => {
  const { before, after } = change
  return {
    changeId,
    tenantId: account.tenantId,
    accountId: account.accountId,
    sequence: change.sequence,
    at: new Date(after.at).toISOString(),
    model,
    backfill: change.backfill,
    health: {
      score: after.score,
      previousScore: before?.score ?? null,
      computedScore: after.computedScore,
      band: after.band,
      previousBand: before?.band ?? null,
      confidence: after.confidence,
      stage: after.stage,
      previousStage: before?.stage ?? null,
    },
    cause: change.cause,
    explanation: [...change.explanation],
    evidence: change.evidence as AccountHealth['evidence'],
    facts: factsOf(after, account.past, change.sequence),
    traits: { ...account.state.traits },
    stepsCompleted: [...change.stepsCompleted],
  }
}

/** The facts with what only the published history knows. */
export const factsOf = (evaluation: Evaluation, past: Account['past'], sequence: number): Facts => ({
  ...evaluation.facts,
  scoreDelta7d: deltaSince(past.days7, evaluation.score),
  scoreDelta28d: deltaSince(past.days28, evaluation.score),
  sequence,
})

const deltaSince = (past: PastScore | null | undefined, score: number | null): number | null =>
  past === null || past === undefined || past.score === null || score === null ? null : round4(score - past.score)
