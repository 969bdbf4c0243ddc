import { z } from 'zod'
import { STAGES } from '#libs/contracts/account-health.ts'
import { SEVERITIES } from '#libs/contracts/severity.ts'
import { jsonPointer } from '#libs/http/json-pointer.ts'
import { MINUTE_MS, parseDuration } from '#libs/runtime/durations.ts'
import type { ErrorDetail } from '#libs/runtime/errors.ts'
import type { Rule } from '../core/alert/rule.ts'
import type { Condition } from '../core/conditions/condition.ts'
import { conditionSchema, durationSchema } from './condition-schemas.ts'
import {
  aboutOf,
  INACTIVE,
  OPENINGS,
  openingErrors,
  quietAccountsSchema,
  quietSourceSchema,
} from './inactivity-document.ts'
import { readCondition } from './parse-condition.ts'

const scalar = z.union([z.string().max(256), z.number(), z.boolean()])

/** A rule as people write it. `readCondition` checks its conditions. */
export const ruleDocumentSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,63}$/, 'Lower case letters, digits and _, at most 64')
    .describe('Stays the same for the life of the rule'),
  description: z.string().max(500).default(''),
  enabled: z.boolean().default(true),
  severity: z.enum(SEVERITIES),
  kind: z
    .enum(['threshold', 'hard_signal'])
    .default('threshold')
    .describe('Threshold rules are mute while the band is insufficient_data'),
  audience: z.enum(['customer-success', 'operators']).default('customer-success'),
  when: z.unknown().optional().describe('The condition over an account that opens an episode'),
  quietSource: quietSourceSchema.optional(),
  quietAccounts: quietAccountsSchema.optional(),
  recovers: z.unknown().optional().describe('The condition that ends it; default: `when` is false'),
  dwell: durationSchema.default('0s').describe('`when` must hold this long first'),
  recoverDwell: durationSchema.default('0s').describe('`recovers` must hold this long first'),
  cooldown: durationSchema.default('7d').describe('Least time between two openings that notify'),
  reminder: durationSchema.nullable().default('14d').describe('Notifies again this often while it fires; null: never'),
  momentary: z.boolean().default(false).describe('About a moment: resolved as soon as it fired'),
  tells: z.enum(['alert', 'opportunity', 'digest']).default('alert'),
  mutes: z.array(z.string()).max(50).default([]).describe('Rules that are muted while this one fires'),
  filter: z
    .strictObject({
      stages: z.array(z.enum(STAGES)).min(1).optional(),
      traits: z.record(z.string().max(256), z.array(scalar).min(1).max(100)).optional(),
    })
    .default({}),
})
export type RuleDocument = z.infer<typeof ruleDocumentSchema>

/** For editors. Lacks two checks of `readRuleDocument`: length of spans, depth of conditions. */
export const RULE_JSON_SCHEMA: Readonly<Record<string, unknown>> = {
  title: 'Pulso alert rule',
  ...z.toJSONSchema(
    ruleDocumentSchema.extend({ when: conditionSchema.optional(), recovers: conditionSchema.optional() }),
    { io: 'input' },
  ),
  oneOf: OPENINGS.map((opening) => ({
    type: 'object',
    properties: { [opening]: true, ...(opening === 'when' ? {} : { recovers: false }) },
    required: [opening],
  })),
}

export type ReadRule =
  | { readonly ok: true; readonly document: RuleDocument; readonly rule: Rule }
  | { readonly ok: false; readonly errors: readonly ErrorDetail[] }

/** Turns a document into a rule. Reports every mistake, with its JSON Pointer. */
export const readRuleDocument = (value: unknown): ReadRule => {
  const parsed = ruleDocumentSchema.safeParse(value)
  const errors: ErrorDetail[] = parsed.success
    ? []
    : parsed.error.issues.map((issue) => ({
        pointer: jsonPointer(issue.path),
        code: issue.code,
        detail: issue.message,
      }))
  const members = (typeof value === 'object' && value !== null ? value : {}) as Partial<Record<string, unknown>>
  errors.push(...openingErrors(members))
  const isInactivity = members.when === undefined && members.recovers === undefined && errors.length === 0
  const when = isInactivity ? INACTIVE : readCondition(members.when, '/when', errors)
  const recovers: Condition | undefined =
    members.recovers === undefined ? when && { not: when } : readCondition(members.recovers, '/recovers', errors)
  if (!parsed.success || errors.length > 0 || !when || !recovers) return { ok: false, errors }
  return { ok: true, document: parsed.data, rule: toRule(parsed.data, when, recovers) }
}

const toRule = (document: RuleDocument, when: Condition, recovers: Condition): Rule => ({
  id: document.id,
  description: document.description,
  enabled: document.enabled,
  severity: document.severity,
  kind: document.kind,
  audience: document.audience,
  about: aboutOf(document),
  when,
  recovers,
  dwellMs: parseDuration(document.dwell)!,
  recoverDwellMs: parseDuration(document.recoverDwell)!,
  cooldownMs: parseDuration(document.cooldown)!,
  reminderMs: document.reminder === null ? null : Math.max(MIN_REMINDER_MS, parseDuration(document.reminder)!),
  momentary: document.momentary,
  tells: document.tells,
  mutes: document.mutes,
  filter: {
    ...(document.filter.stages ? { stages: document.filter.stages } : {}),
    ...(document.filter.traits ? { traits: document.filter.traits } : {}),
  },
})

/** Shortest time between reminders: reminders every 0 ms would never end. */
const MIN_REMINDER_MS = MINUTE_MS
