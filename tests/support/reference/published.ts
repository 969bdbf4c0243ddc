import type { ReferenceHealth } from './health.ts'

/**
 * What two implementations must agree on, as plain data. Windows, top contributions and `advocate`
 * are not part of it.
 */
export const published = (health: ReferenceHealth) => ({
  score: health.score,
  computedScore: health.computedScore,
  confidence: health.confidence,
  band: health.band,
  stage: health.stage,
  stageEnteredAt: health.stageEnteredAt === null ? null : new Date(health.stageEnteredAt).toISOString(),
  groups: health.groups.map(({ group, weight, points, contribution, factors }) => ({
    group,
    weight,
    points,
    contribution,
    factors: factors.map((factor) => ({
      factor: factor.factor,
      status: factor.status,
      value: factor.value,
      points: factor.points,
      weight: factor.weight,
      freshness: factor.freshness,
      contribution: factor.contribution,
    })),
  })),
  caps: health.caps.map(({ cap, limit, delta }) => ({ cap, limit, delta: delta + 0 })),
  facts: {
    daysInStage: health.facts.daysInStage,
    daysSinceLastActivity: health.facts.daysSinceLastActivity,
    silenceLimitDays: health.facts.silenceLimitDays,
    silentSince: health.facts.silentSince,
    renewalInDays: health.facts.renewalInDays,
    autoRenew: health.facts.autoRenew,
    mrr: health.facts.mrr,
    seatUse: health.facts.seatUse,
    planUse: health.facts.planUse,
    openUrgentTickets: health.facts.openUrgentTickets,
    detractorWithin90d: health.facts.detractorWithin90d,
    paymentFailedDays: health.facts.paymentFailedDays,
    cancelScheduled: health.facts.cancelScheduled,
    championRemoved: health.facts.championRemoved,
    onboardingOverdueDays: health.facts.onboardingOverdueDays,
    onboardingStalledDays: health.facts.onboardingStalledDays,
    ownerId: health.facts.ownerId,
  },
})
