import { z } from 'zod'
import { SEVERITIES } from '#libs/contracts/severity.ts'
import { issuesText } from '#libs/http/json-pointer.ts'

export const matcherSchema = z
  .strictObject({
    ruleId: z.string().min(1).max(64).optional(),
    accountId: z.string().min(1).max(256).optional(),
    severity: z.enum(SEVERITIES).optional(),
    ownerId: z.string().min(1).max(256).optional(),
    traits: z.record(z.string().max(256), z.union([z.string().max(256), z.number(), z.boolean()])).optional(),
  })
  .describe('Every member must match; {} matches every alert')
export type Matcher = z.infer<typeof matcherSchema>

export type ReadMatcher =
  | { readonly ok: true; readonly matcher: Matcher }
  | { readonly ok: false; readonly problem: string }

/**
 * A matcher as it is stored. One of another release that this one cannot read matches nothing: a
 * part that is left out would silence more than was asked for.
 */
export const readMatcher = (stored: unknown): ReadMatcher => {
  const read = matcherSchema.safeParse(stored)
  return read.success ? { ok: true, matcher: read.data } : { ok: false, problem: issuesText(read.error.issues) }
}
