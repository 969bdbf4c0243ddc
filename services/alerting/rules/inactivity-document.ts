import { z } from 'zod'
import { parseDuration } from '#libs/runtime/durations.ts'
import type { ErrorDetail } from '#libs/runtime/errors.ts'
import type { About } from '../core/alert/rule.ts'
import type { Condition } from '../core/conditions/condition.ts'
import { durationSchema } from './condition-schemas.ts'

/** Opens an episode of a source. */
export const quietSourceSchema = z
  .strictObject({
    for: durationSchema
      .refine((text) => parseDuration(text) !== 0, 'More than nothing')
      .describe('A source may be quiet this long, unless the model expects it at another interval'),
    sources: z
      .array(z.string().min(1).max(256))
      .min(1)
      .max(100)
      .optional()
      .describe('Only these; absent: every source'),
  })
  .describe('Instead of `when`: each source that feeds the tenant, while it was not heard for longer')

/** Opens an episode of the tenant itself. */
export const quietAccountsSchema = z
  .strictObject({
    atLeast: z.int().min(2).max(1_000_000).default(10).describe('This many accounts'),
    share: z.number().gt(0).max(1).default(0.2).describe('and this share of those that were active'),
    within: durationSchema.default('24h').describe('that fell silent within this span'),
    hold: durationSchema
      .default('15m')
      .describe('An account’s alert waits this long while so many others are near their limit that this rule may fire'),
  })
  .describe('Instead of `when`: the tenant’s accounts, while many are silent together; over below half of both')

/** A rule has one of these members. */
export const OPENINGS = ['when', 'quietSource', 'quietAccounts'] as const

/** The condition of every rule about inactivity; nobody writes it. */
export const INACTIVE: Condition = { fact: 'silentSince', op: 'known' }

export const openingErrors = (document: Partial<Record<string, unknown>>): readonly ErrorDetail[] => {
  const [first, second] = OPENINGS.filter((name) => document[name] !== undefined)
  if (second !== undefined)
    return [{ pointer: `/${second}`, code: 'invalid_rule', detail: `A rule has either ${first} or ${second}` }]
  if (first !== undefined && first !== 'when' && document.recovers !== undefined)
    return [{ pointer: '/recovers', code: 'invalid_rule', detail: 'Quiet ends by itself: use recoverDwell' }]
  return first === undefined ? [{ pointer: '/when', code: 'invalid_rule', detail: 'A condition' }] : []
}

type InactivityMembers = {
  readonly quietSource?: z.infer<typeof quietSourceSchema> | undefined
  readonly quietAccounts?: z.infer<typeof quietAccountsSchema> | undefined
}

export const aboutOf = ({ quietSource, quietAccounts }: InactivityMembers): About => {
  if (quietSource)
    return { kind: 'source', quietForMs: parseDuration(quietSource.for)!, sources: quietSource.sources ?? null }
  if (!quietAccounts) return { kind: 'account' }
  const { atLeast, share, within, hold } = quietAccounts
  return { kind: 'tenant', atLeast, share, withinMs: parseDuration(within)!, holdMs: parseDuration(hold)! }
}
