import type { Facts } from '#libs/contracts/account-health.ts'
import type { Model } from '#libs/contracts/health-model.ts'
import type { Evaluation } from '../evaluation/evaluation.ts'
import { groupsOf } from '../evaluation/measurements.ts'
import { type ExpansionReadiness, expansionReadiness } from './expansion-readiness.ts'
import { type RenewalRisk, renewalRisk } from './renewal-risk.ts'

/** Two answers beside the score, each with its reasons. */
export type Outlook = { readonly expansionReadiness: ExpansionReadiness; readonly renewalRisk: RenewalRisk }

export const outlookOf = (
  evaluation: Evaluation,
  facts: Facts,
  dailyScores: readonly (number | null)[],
  model: Model,
): Outlook => ({
  expansionReadiness: expansionReadiness(facts, dailyScores, model.expansion),
  renewalRisk: renewalRisk(facts, groupsOf(evaluation), model.renewalRisk),
})
