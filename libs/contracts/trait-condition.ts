import { z } from 'zod'

export type Immutable<T> = T extends object ? { readonly [Name in keyof T]: Immutable<T[Name]> } : T

const text = z.string().min(1).max(256)
const scalar = z.union([z.string().max(256), z.number(), z.boolean()])
const traitCondition = z.discriminatedUnion('op', [
  z.strictObject({ trait: text, op: z.enum(['==', '!=']), value: scalar }),
  z.strictObject({ trait: text, op: z.enum(['<', '<=', '>', '>=']), value: z.number() }),
  z.strictObject({ trait: text, op: z.enum(['in', 'not_in']), values: z.array(scalar).min(1).max(200) }),
  z.strictObject({ trait: text, op: z.enum(['known', 'unknown']) }),
])
type Leaf = z.infer<typeof traitCondition>
/** What a model asks of an account's traits, in the words that alert rules use for facts. */
export type TraitCondition =
  | Immutable<Leaf>
  | { readonly all: Conditions }
  | { readonly any: Conditions }
  | { readonly not: TraitCondition }
type Conditions = readonly TraitCondition[]

const parts = z
  .array(z.lazy(() => traitConditionSchema))
  .min(1)
  .max(50)
export const traitConditionSchema: z.ZodType<TraitCondition> = z
  .union([
    z.strictObject({ all: parts }),
    z.strictObject({ any: parts }),
    z.strictObject({ not: z.lazy(() => traitConditionSchema) }),
    traitCondition,
  ])
  .meta({
    id: 'TraitCondition',
    description: 'A comparison of a missing trait is unknown, which is no match',
  })
