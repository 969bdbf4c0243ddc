import { z } from 'zod'

const instant = z.iso.datetime()
const number4 = z.number().describe('At most 4 decimals')

export const BANDS = ['healthy', 'watch', 'at_risk', 'critical', 'insufficient_data'] as const
export const bandSchema = z.enum(BANDS)
export type Band = z.infer<typeof bandSchema>

export const STAGES = ['onboarding', 'adoption', 'renewal', 'churned'] as const
export const stageSchema = z.enum(STAGES)
export type Stage = z.infer<typeof stageSchema>

export const CAUSES = [
  'events',
  'late_data',
  'window_expiry',
  'stage_change',
  'model_change',
  'override',
  'erasure',
  'cap',
] as const
export const causeSchema = z.enum(CAUSES)
export type Cause = z.infer<typeof causeSchema>

/** One line of why a score moved. The deltas of a change sum exactly to the change of the score. */
export const explanationLineSchema = z.object({
  factor: z.string().describe('A factor such as "usage.trend", a cap such as "cap.silent", or "override"'),
  delta: number4.describe('Points this line adds to the score'),
  pointsBefore: number4.nullable(),
  pointsAfter: number4.nullable(),
  before: number4.nullable().describe('Raw value before'),
  after: number4.nullable().describe('Raw value after'),
  window: z.object({ days: z.int(), from: z.string(), to: z.string() }).nullable().optional(),
  cause: causeSchema,
})
export type ExplanationLine = z.infer<typeof explanationLineSchema>

/** What rules ask about. Null: unknown. Days are calendar days in the tenant's time zone. */
export const factsSchema = z.object({
  score: number4.nullable(),
  band: bandSchema,
  confidence: number4,
  stage: stageSchema,
  daysInStage: z.int(),
  scoreDelta7d: number4.nullable(),
  scoreDelta28d: number4.nullable(),
  daysSinceLastActivity: z.int().nullable(),
  silenceLimitDays: z.number().nullable(),
  silentSince: instant.nullable(),
  renewalInDays: z.int().nullable(),
  autoRenew: z.boolean().nullable(),
  mrr: z.number().nullable().describe('Minor units'),
  seatUse: number4.nullable(),
  planUse: number4.nullable(),
  openUrgentTickets: z.int().nullable(),
  detractorWithin90d: z.boolean(),
  paymentFailedDays: z.int().nullable(),
  cancelScheduled: z.boolean(),
  championRemoved: z.boolean(),
  onboardingOverdueDays: z.int().nullable(),
  onboardingStalledDays: z.int().nullable(),
  ownerId: z.string().nullable(),
  advocate: z.boolean(),
  topContributions: z.array(z.object({ factor: z.string(), contribution: number4 })),
  sequence: z.int(),
})
export type Facts = z.infer<typeof factsSchema>

export const FACTS_EXAMPLE: Facts = {
  score: 73.5839,
  band: 'watch',
  confidence: 0.855,
  stage: 'adoption',
  daysInStage: 120,
  scoreDelta7d: -2.1,
  scoreDelta28d: null,
  daysSinceLastActivity: 1,
  silenceLimitDays: 14,
  silentSince: null,
  renewalInDays: 200,
  autoRenew: true,
  mrr: 120000,
  seatUse: 0.45,
  planUse: null,
  openUrgentTickets: 0,
  detractorWithin90d: false,
  paymentFailedDays: null,
  cancelScheduled: false,
  championRemoved: false,
  onboardingOverdueDays: null,
  onboardingStalledDays: null,
  ownerId: 'csm-7',
  advocate: false,
  topContributions: [{ factor: 'usage.active_ratio', contribution: 9.6711 }],
  sequence: 42,
}

/** The message on `account.health`: one per change, numbered without gaps, also past an erasure. */
export const accountHealthSchema = z.object({
  changeId: z.uuid(),
  tenantId: z.string(),
  accountId: z.string(),
  sequence: z.int().min(1),
  at: instant.describe('The evaluation’s instant'),
  model: z.object({ id: z.string(), version: z.int() }),
  backfill: z
    .boolean()
    .describe(
      'True when only backfilled events, or the erasure of a user, led here: nothing may be sent because of it',
    ),
  health: z.object({
    score: number4.nullable(),
    previousScore: number4.nullable(),
    computedScore: number4.nullable(),
    band: bandSchema,
    previousBand: bandSchema.nullable().describe('Null for the account’s first'),
    confidence: number4,
    stage: stageSchema,
    previousStage: stageSchema.nullable(),
  }),
  cause: causeSchema,
  explanation: z.array(explanationLineSchema),
  evidence: z
    .partialRecord(causeSchema, z.array(z.string()).max(5))
    .describe('By cause: ids of events behind the lines of that cause'),
  facts: factsSchema,
  traits: z.record(z.string(), z.unknown()).describe('For filters of rules and endpoints'),
  stepsCompleted: z.array(z.object({ journeyId: z.string(), stepId: z.string() })),
})
export type AccountHealth = z.infer<typeof accountHealthSchema>
