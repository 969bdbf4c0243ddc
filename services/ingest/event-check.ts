import { Ajv2020 } from 'ajv/dist/2020.js'
import { z } from 'zod'
import { type UsageEvent, usageEventSchema } from '#libs/contracts/usage-event.ts'

type JsonSchema = { properties: Record<string, Record<string, unknown>> }

const compile = (): ((event: unknown) => boolean) => {
  const schema = z.toJSONSchema(usageEventSchema, { io: 'input' }) as unknown as JsonSchema
  // Keys of a JSON object are text anyway: asking each again costs time.
  for (const property of Object.values(schema.properties)) delete property.propertyNames
  // Lengths count code points, as in zod; the pattern already says what a date is.
  return new Ajv2020({ strict: false, validateFormats: false }).compile(schema)
}

/**
 * True exactly when `usageEventSchema` accepts the event (a property test holds them together), several times cheaper: the zod
 * schema as JSON Schema, compiled.
 */
export const isUsageEvent = compile() as (event: unknown) => event is UsageEvent

export type FieldFault = { readonly path: readonly PropertyKey[]; readonly code: string; readonly detail: string }

/** Why an event is refused, in zod's words. */
export const explainEvent = (event: unknown): FieldFault[] =>
  usageEventSchema.safeParse(event).error?.issues.map(({ path, code, message }) => ({ path, code, detail: message })) ??
  []
