import { z } from 'zod'
import { RequestError } from '#libs/runtime/errors.ts'
import type { Rule } from '../core/alert/rule.ts'
import { type RuleDocument, readRuleDocument } from '../rules/rule-document.ts'
import { ruleSizeError } from '../rules/rule-size.ts'

export const RULE_EXAMPLE = {
  id: 'champion_quiet',
  description: 'A large account near its renewal has gone quiet',
  severity: 'warning',
  when: {
    all: [
      { fact: 'daysSinceLastActivity', op: '>=', value: 5 },
      { fact: 'renewalInDays', op: '<=', value: 120 },
    ],
  },
  filter: { traits: { plan: ['enterprise'] } },
}

/** `readRuleDocument` checks the members: its errors point into the conditions too. */
export const ruleBodySchema = z.record(z.string(), z.unknown()).meta({
  description:
    'A rule: id, severity, `when` (or `quietSource` or `quietAccounts`) and optionally description, enabled, kind, audience, recovers, dwell, recoverDwell, cooldown, reminder, momentary, tells, mutes, filter. JSON, or YAML without anchors and aliases. GET /v1/rule-schema answers its JSON Schema.',
  examples: [RULE_EXAMPLE],
})

/** The rule in a request's body; 422 with a pointer to each mistake. */
export const readRule = (body: Record<string, unknown>): { readonly document: RuleDocument; readonly rule: Rule } => {
  const tooLarge = ruleSizeError(body)
  if (tooLarge) throw new RequestError(422, 'invalid_rule', 'The rule is not valid', [tooLarge])
  const read = readRuleDocument(body)
  if (!read.ok) throw new RequestError(422, 'invalid_rule', 'The rule is not valid', read.errors)
  return read
}
