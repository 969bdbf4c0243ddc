import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { PASSING_MUTES } from '../../services/alerting/core/alert/rule.ts'
import { WEBHOOK_TYPES } from '../../services/alerting/notifications/notification.ts'
import { policyDocumentSchema } from '../../services/alerting/policy/policy-document.ts'
import { readRuleDocument } from '../../services/alerting/rules/rule-document.ts'
import { readShippedRules } from '../../services/alerting/rules/shipped-rules.ts'

const docs = readFileSync(new URL('../../docs/operators.md', import.meta.url), 'utf8')
const blocksOf = (language: string): string[] =>
  [...docs.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map((match) => match[1]!)

test('the rules in the documentation are rules', () => {
  const read = blocksOf('yaml').map((block) => readRuleDocument(parse(block)))
  expect(read.map((one) => (one.ok ? one.rule.about.kind : one.errors))).toEqual(['tenant', 'source'])
})

test('the policy is one, and every other example is a webhook', () => {
  const [policy, ...bodies] = blocksOf('json').map((block) => JSON.parse(block))
  expect(policyDocumentSchema.parse(policy)).toEqual(policy)
  expect(bodies.length).toBeGreaterThan(0)
  for (const { type } of bodies) expect(WEBHOOK_TYPES).toContain(type)
})

test('every reason that passes is explained, and the limits are those of the shipped rules', () => {
  for (const reason of PASSING_MUTES) expect(docs).toContain(`\`${reason}\``)
  const rules = readShippedRules()
  expect(rules.get('outage')!.document).toMatchObject({
    quietAccounts: { atLeast: 10, share: 0.2, within: '24h', hold: '15m' },
    recoverDwell: '15m',
  })
  expect(rules.get('source_silent')!.document).toMatchObject({ quietSource: { for: '3d' }, recoverDwell: '15m' })
})
