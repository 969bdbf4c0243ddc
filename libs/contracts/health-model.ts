import { z } from 'zod'
import { type Immutable, traitConditionSchema } from './trait-condition.ts'

export const GROUPS = ['onboarding', 'usage', 'adoption', 'support', 'sentiment', 'commercial', 'relationship'] as const
export const CAPS = ['cancelled', 'payment_failed', 'silent', 'champion_removed', 'urgent_ticket_open'] as const

/** Every factor a model may name. `core/factors/factor-table.ts` has the definition of each. */
export const FACTOR_NAMES = [
  'usage.active_ratio',
  'usage.active_days',
  'usage.trend',
  'usage.recency',
  'adoption.breadth',
  'adoption.depth',
  'onboarding.progress',
  'onboarding.stall',
  'onboarding.first_value',
  'support.ticket_rate',
  'support.urgent_open',
  'support.sla_breach',
  'sentiment.nps',
  'sentiment.csat',
  'commercial.payment',
  'commercial.plan',
  'commercial.renewal',
  'relationship.touch',
  'relationship.champion',
] as const

const points = z.number().min(0).max(100)
const days = z.int().min(1).max(400)
const text = z.string().min(1).max(256)
const anchors = z
  .array(z.tuple([z.number(), points]))
  .min(1)
  .max(20)
  .describe('[value, points], values ascending')
const groupName = z.enum(GROUPS)

const segmentSchema = z.strictObject({
  priority: z
    .int()
    .min(-1_000)
    .max(1_000)
    .describe('Of the models that match an account the highest priority wins; ties by id'),
  when: traitConditionSchema,
})

/** A factor's numbers. Each definition in `core/factors` says which of them it needs. */
const factorSchema = z.strictObject({
  name: z.enum(FACTOR_NAMES),
  weight: z.number().gt(0).max(100).describe('Weight within its group; the weights of a group sum to 100'),
  windowDays: days.optional(),
  /** Points by value, linear between anchors. */
  curve: anchors.optional(),
  /** Points of values up to each limit; past the last one, `beyond`. */
  upTo: anchors.optional(),
  beyond: points.optional(),
  /** Points of named situations. */
  points: z.record(z.string(), points).optional(),
  settings: z.record(z.string(), z.number()).optional(),
})

const groupSchema = z.strictObject({
  name: groupName,
  weights: z.strictObject({ onboarding: points, adoption: points, renewal: points }),
  factors: z.array(factorSchema).min(1),
})

/** A health model document: everything that decides a score. Published as JSON Schema. */
export const modelSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/),
  version: z.int().min(1),
  name: text,
  description: z.string().max(4_000).optional(),
  segment: segmentSchema
    .optional()
    .describe(
      'The accounts of this model. Required, except for `default`, which has the accounts without another model',
    ),
  groups: z.array(groupSchema).length(GROUPS.length).describe('All seven groups'),
  caps: z.array(z.strictObject({ name: z.enum(CAPS), limit: points, overDays: z.int().min(0).max(400).optional() })),
  bands: z.strictObject({
    healthy: points,
    watch: points,
    atRisk: points,
    recoveryMargin: z.number().min(0).max(25),
    insufficientBelow: z.number().min(0).max(1),
  }),
  stages: z.strictObject({
    blendDays: z.int().min(0).max(400),
    renewalWindowDays: days,
    shortTermMonths: z.int().min(0).max(120),
    shortRenewalWindowDays: days,
    watchPeriodDays: days,
  }),
  onboarding: z.strictObject({
    targetDays: days,
    /** Required steps of journeys that name none. */
    steps: z.array(text).max(200),
    firstValueTypes: z.array(text).max(200),
    /** Comparable accounts: the newest completions of a journey, from `minimum` of them on. */
    cohort: z.strictObject({ newest: z.int().min(1).max(10_000), minimum: z.int().min(1).max(10_000) }),
  }),
  silence: z.strictObject({
    onboardingDays: z.number().gt(0).max(400),
    gapFactor: z.number().gt(0).max(100),
    historyDays: days,
    minimumGaps: z.int().min(1).max(400),
    minDays: z.number().gt(0).max(400),
    maxDays: z.number().gt(0).max(400),
    defaultDays: z.number().gt(0).max(400),
  }),
  /** `customTypes`: whether types that Pulso does not know by name count as activity. */
  activity: z.strictObject({ types: z.array(text).max(1_000), customTypes: z.boolean() }),
  /** Custom type -> feature, or null for no activity. */
  features: z.record(text, text.nullable()),
  coreFeatures: z.array(text).max(1_000),
  /** Groups for which "never reported" means zero. */
  connected: z.array(groupName),
  sources: z.record(
    text,
    z.strictObject({ groups: z.array(groupName).min(1), expectedIntervalHours: z.number().gt(0).max(9_600) }),
  ),
  support: z.strictObject({ urgentPriorities: z.array(text).max(20) }),
  relationship: z.strictObject({ contactKinds: z.array(text).max(20) }),
  facts: z.strictObject({
    detractorUpTo: z.number().min(0).max(10),
    detractorDays: days,
    promoterFrom: z.number().min(0).max(10),
    advocacyDays: days,
    advocateHealthyDays: days,
    topContributions: z.int().min(0).max(19),
    /** How long a fact that only counts days wakes its account at each midnight. */
    counterDays: z.int().min(1).max(1_000),
  }),
  /** Beside the score, never part of it, as is `renewalRisk`. Curves: the strength of a value. */
  expansion: z.strictObject({
    healthyScore: points,
    healthyDays: z.int().min(1).max(90),
    minimumUse: z.number().gt(0).max(10),
    weights: z.strictObject({ health: points, healthyDays: points, seatUse: points, planUse: points }),
    health: anchors,
    use: anchors,
  }),
  renewalRisk: z.strictObject({
    elevatedFrom: points,
    highFrom: points,
    weights: z.strictObject({
      health: points,
      trend: points,
      renewal: points,
      autoRenew: points,
      payment: points,
      champion: points,
    }),
    health: anchors,
    trend: anchors,
    renewal: anchors,
    /** Lowest risk of an account with a scheduled cancellation, or an inactive one. */
    cancelScheduled: points,
    silent: points,
  }),
})

export type Model = Immutable<z.infer<typeof modelSchema>>
export type GroupModel = Model['groups'][number]
export type FactorModel = GroupModel['factors'][number]
export type CapModel = Model['caps'][number]
export type GroupName = GroupModel['name']
export type FactorName = FactorModel['name']
export type CapName = CapModel['name']
/** Columns of the weights; churned accounts keep the column of the stage they left. */
export type WeightStage = keyof GroupModel['weights']
/** Anchors `[value, points]`, values ascending. */
export type Curve = NonNullable<FactorModel['curve']>
