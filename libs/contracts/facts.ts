import type { Facts } from './account-health.ts'

/** A fact that a rule can ask about. */
export type FactName = Exclude<keyof Facts, 'topContributions'>

export type FactKind = 'number' | 'flag' | 'text' | 'band' | 'stage'

/** Stored rows name a fact by `position`: never reuse one. 0 and 1: backfill flag and traits. */
export const FACTS: Readonly<Record<FactName, { readonly kind: FactKind; readonly position: number }>> = {
  score: { kind: 'number', position: 2 },
  band: { kind: 'band', position: 3 },
  confidence: { kind: 'number', position: 4 },
  stage: { kind: 'stage', position: 5 },
  daysInStage: { kind: 'number', position: 6 },
  scoreDelta7d: { kind: 'number', position: 7 },
  scoreDelta28d: { kind: 'number', position: 8 },
  daysSinceLastActivity: { kind: 'number', position: 9 },
  silenceLimitDays: { kind: 'number', position: 10 },
  silentSince: { kind: 'text', position: 11 },
  renewalInDays: { kind: 'number', position: 12 },
  autoRenew: { kind: 'flag', position: 13 },
  mrr: { kind: 'number', position: 14 },
  seatUse: { kind: 'number', position: 15 },
  planUse: { kind: 'number', position: 16 },
  openUrgentTickets: { kind: 'number', position: 17 },
  detractorWithin90d: { kind: 'flag', position: 18 },
  paymentFailedDays: { kind: 'number', position: 19 },
  cancelScheduled: { kind: 'flag', position: 20 },
  championRemoved: { kind: 'flag', position: 21 },
  onboardingOverdueDays: { kind: 'number', position: 22 },
  onboardingStalledDays: { kind: 'number', position: 23 },
  ownerId: { kind: 'text', position: 24 },
  advocate: { kind: 'flag', position: 25 },
  sequence: { kind: 'number', position: 26 },
}

export const FACT_NAMES = Object.keys(FACTS) as [FactName, ...FactName[]]
