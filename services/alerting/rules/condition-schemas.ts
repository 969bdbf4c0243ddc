import { z } from 'zod'
import { BANDS, STAGES } from '#libs/contracts/account-health.ts'
import { FACT_NAMES, FACTS, type FactKind, type FactName } from '#libs/contracts/facts.ts'
import { DAY_MS, parseDuration } from '#libs/runtime/durations.ts'

const LONGEST_MS = 400 * DAY_MS

/** A duration as people write it. */
export const durationSchema = z
  .string()
  .regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, 'A duration such as 30m, 12h or 7d')
  .refine((text) => !(parseDuration(text)! > LONGEST_MS), 'At most 400d')
  .describe('A duration such as 30m, 12h or 7d, at most 400d')

export const factSchema = z.enum(FACT_NAMES)
const namesOf = (kind: FactKind) =>
  z.enum(FACT_NAMES.filter((name) => FACTS[name].kind === kind) as [FactName, ...FactName[]])
export const orderingSchema = z.enum(['<', '<=', '>', '>='])
const equality = z.enum(['==', '!='])
export const comparisonSchema = z.union([orderingSchema, equality])
type Comparison = z.infer<typeof comparisonSchema>
const span = durationSchema.refine((text) => parseDuration(text) !== 0, 'More than nothing')

/** One schema per shape of a condition. Its first member among these names says the shape. */
const shapesOf = (condition: z.ZodType) => {
  const children = z.array(condition).min(1, 'At least one condition').max(50)
  return {
    all: z.strictObject({ all: children }).describe('True when all are'),
    any: z.strictObject({ any: children }).describe('True when one is'),
    not: z.strictObject({ not: condition }),
    that: z.strictObject({ that: condition, for: span }).describe('True once `that` has held for the whole span'),
    previously: z.strictObject({ previously: condition }).describe('What the condition was by the facts before these'),
    change: z
      .strictObject({ change: namesOf('number'), over: span, op: orderingSchema, value: z.number() })
      .describe('How far a fact has moved over a span; unknown until it was seen for that long'),
  }
}
/** Without the children, which `readCondition` reads itself. */
export const SHAPES = shapesOf(z.unknown())

const VALUES: Readonly<Record<FactKind, z.ZodType>> = {
  number: z.number(),
  flag: z.boolean(),
  text: z.string().max(256),
  band: z.enum(BANDS),
  stage: z.enum(STAGES),
}

/** Comparisons of facts of one kind, with these names and operators. */
const comparisonsOf = (kind: FactKind, names: z.ZodType<FactName>, op: z.ZodType<Comparison>) => ({
  list: z.strictObject({ fact: names, op: z.enum(['in', 'not_in']), value: z.array(VALUES[kind]).min(1).max(100) }),
  presence: z.strictObject({ fact: names, op: z.enum(['known', 'unknown']) }),
  than: z.strictObject({ fact: names, op, than: names }),
  value: z.strictObject({ fact: names, op, value: VALUES[kind] }),
})

/** Comparisons of any fact with values of a kind, built once: to build one takes long. */
export const COMPARISONS = Object.fromEntries(
  (Object.keys(VALUES) as FactKind[]).map((kind) => [kind, comparisonsOf(kind, factSchema, comparisonSchema)]),
) as Readonly<Record<FactKind, ReturnType<typeof comparisonsOf>>>

/** The whole language as one schema, for publishing. The errors of `readCondition` are clearer. */
export const conditionSchema: z.ZodType = z
  .lazy(() =>
    z.union([
      ...Object.values(shapesOf(conditionSchema)),
      ...(Object.keys(VALUES) as FactKind[]).flatMap((kind) =>
        Object.values(comparisonsOf(kind, namesOf(kind), kind === 'number' ? comparisonSchema : equality)),
      ),
    ]),
  )
  .meta({ id: 'Condition', description: 'What is asked of the facts; what is unknown makes a condition unknown' })
