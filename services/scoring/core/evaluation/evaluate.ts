import type { Band } from '#libs/contracts/account-health.ts'
import { type AccountAtInstant, type AccountView, viewOf } from '../journey/account-view.ts'
import { round4, toUnits, UNITS_PER_POINT } from '../largest-remainder.ts'
import { bandAfter, plainBand } from './bands.ts'
import { capsOf } from './caps.ts'
import type { Evaluation, Override } from './evaluation.ts'
import { factsOf, isWithin } from './facts.ts'
import { inactiveFrom, inactivityLimitDays } from './inactivity.ts'
import { nextEvaluationAt } from './next-evaluation.ts'
import { sourceFreshness } from './source-freshness.ts'
import { standingAt } from './stage-weights.ts'
import { weightFactors } from './weight-factors.ts'

export type EvaluateInput = AccountAtInstant & {
  /** Band published last; null = the plain band of the score. */
  readonly previousBand: Band | null
  readonly override: Override | null
  /** When each source of the tenant was last heard. */
  readonly sources: ReadonlyMap<string, number>
  /** Since when the published band is healthy; null: it is not, or unknown. For `advocate`. */
  readonly healthySince?: number | null
}

/** Pure in state, model and instant; the band also depends on the band before. */
export const evaluate = (input: EvaluateInput): Evaluation => {
  const { state, model, zone, at } = input
  const { bands, caps, stages } = model.model
  const view = viewOf(input)
  const standing = standingAt(view.timeline, at, zone, stages.blendDays)
  const limitDays = inactivityLimitDays(state, standing.stage, model.model)
  const inactiveAt = inactiveFrom(state, limitDays)
  const silentSince = inactiveAt !== null && inactiveAt <= at ? inactiveAt : null
  const sources = sourceFreshness(model.model, input.sources, at)
  const weighted = weightFactors(view, standing, sources)
  const capped = weighted.scoreUnits === null ? null : capsOf(caps, { view, silentSince }, weighted.scoreUnits, toUnits)
  const computedScore = capped === null ? null : capped.units / UNITS_PER_POINT
  const override = inForce(input.override, at)
  const score = override === null ? computedScore : round4(override.score)
  const { confidence } = weighted
  const band =
    override === null
      ? bandAfter(computedScore, confidence, input.previousBand, bands)
      : plainBand(round4(override.score), bands)
  const healthySince = band === 'healthy' ? (input.healthySince ?? at) : null
  const advocate = isAdvocate(view, healthySince)
  const { measured } = weighted
  const facts = factsOf({ view, standing, measured, score, band, confidence, limitDays, silentSince, advocate })
  return {
    at,
    score,
    computedScore,
    band,
    confidence,
    stage: standing.stage,
    stageEnteredAt: standing.enteredAt,
    healthySince,
    measured,
    caps: capped?.results ?? [],
    override,
    facts,
    nextEvaluationAt: nextEvaluationAt({
      view,
      standing,
      facts,
      measured,
      inactiveFrom: inactiveAt,
      sourcesNextAt: sources.nextAt,
      override: input.override,
      healthySince,
    }),
  }
}

const inForce = (override: Override | null, at: number): Override | null =>
  override !== null && override.setAt <= at && at < override.expiresAt ? override : null

/** Healthy long enough, and a recent promoter answer, referral or review. */
const isAdvocate = ({ state, model, zone, day }: AccountView, healthySince: number | null): boolean => {
  const { advocateHealthyDays, advocacyDays } = model.model.facts
  if (healthySince === null || day - zone.dayOf(healthySince) < advocateHealthyDays) return false
  return isWithin(Math.max(state.promoterDay, state.advocacyDay), day, advocacyDays)
}
