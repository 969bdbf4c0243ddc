import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { jsonPointer } from '#libs/http/json-pointer.ts'
import { type ErrorDetail, RequestError } from '#libs/runtime/errors.ts'
import { FACTORS } from '../core/factors/factor-table.ts'
import type { Model } from '../core/models/model.ts'
import type { TraitCondition } from '../core/models/segment.ts'
import { modelProblems } from './validate-model.ts'

const GROUPS = ['onboarding', 'usage', 'adoption', 'support', 'sentiment', 'commercial', 'relationship'] as const
const CAPS = ['cancelled', 'payment_failed', 'silent', 'champion_removed', 'urgent_ticket_open'] as const

const points = z.number().min(0).max(100)
const days = z.int().min(1).max(400)
const text = z.string().min(1).max(256)
const anchors = z
  .array(z.tuple([z.number(), points]))
  .min(1)
  .max(20)
  .describe('[value, points], values ascending')
const groupName = z.enum(GROUPS)

const scalar = z.union([z.string().max(256), z.number(), z.boolean()])
const traitCondition = z.discriminatedUnion('op', [
  z.strictObject({ trait: text, op: z.enum(['==', '!=']), value: scalar }),
  z.strictObject({ trait: text, op: z.enum(['<', '<=', '>', '>=']), value: z.number() }),
  z.strictObject({ trait: text, op: z.enum(['in', 'not_in']), values: z.array(scalar).min(1).max(200) }),
  z.strictObject({ trait: text, op: z.enum(['known', 'unknown']) }),
])
const parts = z
  .array(z.lazy(() => condition))
  .min(1)
  .max(50)
const condition: z.ZodType<TraitCondition> = z
  .union([
    z.strictObject({ all: parts }),
    z.strictObject({ any: parts }),
    z.strictObject({ not: z.lazy(() => condition) }),
    traitCondition,
  ])
  .meta({
    id: 'TraitCondition',
    description: 'A comparison of a missing trait is unknown, which is no match',
  })

const segmentSchema = z.strictObject({
  priority: z
    .int()
    .min(-1_000)
    .max(1_000)
    .describe('Of the models that match an account the highest priority wins; ties by id'),
  when: condition,
})

const factorSchema = z.strictObject({
  name: z.enum([...FACTORS.keys()] as [string, ...string[]]),
  weight: z.number().gt(0).max(100).describe('Weight within its group; the weights of a group sum to 100'),
  windowDays: days.optional(),
  curve: anchors.optional(),
  upTo: anchors.optional(),
  beyond: points.optional(),
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
    steps: z.array(text).max(200),
    firstValueTypes: z.array(text).max(200),
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
  activity: z.strictObject({ types: z.array(text).max(1_000), customTypes: z.boolean() }),
  features: z.record(text, text.nullable()),
  coreFeatures: z.array(text).max(1_000),
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
    counterDays: z.int().min(1).max(1_000),
  }),
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
    cancelScheduled: points,
    silent: points,
  }),
})

export type ParsedModel = { readonly model: Model } | { readonly errors: readonly ErrorDetail[] }

/** Checks a parsed document; every error has a pointer into it. */
export const checkModel = (document: unknown): ParsedModel => {
  const parsed = modelSchema.safeParse(document)
  if (!parsed.success) {
    const issues = parsed.error.issues.flatMap((issue) => innermost(issue, []))
    return { errors: issues.map(({ path, code, message }) => ({ pointer: jsonPointer(path), code, detail: message })) }
  }
  const model: Model = parsed.data
  const errors = modelProblems(model)
  return errors.length > 0 ? { errors } : { model }
}

type Issue = { readonly path: readonly PropertyKey[]; readonly code: string; readonly message: string }

/** The errors within the form of a condition that was meant: the one that knows all its members. */
const innermost = (issue: z.core.$ZodIssue, above: readonly PropertyKey[]): Issue[] => {
  const path = [...above, ...issue.path]
  const forms = issue.code === 'invalid_union' ? issue.errors : []
  const meant = forms.find((issues) => !issues.some((one) => one.code === 'unrecognized_keys' && one.path.length === 0))
  return meant === undefined || meant.length === 0
    ? [{ path, code: issue.code, message: issue.message }]
    : meant.flatMap((one) => innermost(one, path))
}

/** Parses a model from YAML or JSON text. Throws 422 with a pointer to each error. */
export const parseModel = (source: string): Model => {
  let document: unknown
  try {
    document = parse(source, { maxAliasCount: 0 })
  } catch (error) {
    throw new RequestError(422, 'invalid_model', 'The model is not valid YAML', [
      { pointer: '', code: 'invalid_yaml', detail: error instanceof Error ? error.message.split('\n')[0]! : '' },
    ])
  }
  const checked = checkModel(document)
  if ('errors' in checked) throw new RequestError(422, 'invalid_model', 'The model is not valid', checked.errors)
  return checked.model
}

/** The model of accounts without another match. A tenant's versions of it count on from 2. */
export const DEFAULT_MODEL_ID = 'default'
export const SHIPPED_VERSION = 1

export const readShippedSource = (): string => readFileSync(join(import.meta.dirname, 'default.yaml'), 'utf8')

export const loadDefaultModel = (): Model => parseModel(readShippedSource())

/** JSON Schema for editors: what `checkModel` checks, except for what `modelProblems` adds. */
export const MODEL_JSON_SCHEMA: Readonly<Record<string, unknown>> = {
  title: 'Pulso health model',
  ...z.toJSONSchema(modelSchema, { io: 'input' }),
}
