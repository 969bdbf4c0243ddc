import { expect, test } from 'vitest'
import { readRuleDocument } from './rule-document.ts'
import { readShippedRules } from './shipped-rules.ts'

const SHIPPED = [
  'at_risk_entered',
  'cancel_scheduled',
  'champion_removed',
  'critical_entered',
  'detractor_received',
  'drop_10_in_7d',
  'drop_15_in_28d',
  'drop_20_in_28d',
  'expansion_ready',
  'health_revenue_disagree',
  'onboarding_overdue',
  'onboarding_stalled',
  'outage',
  'payment_failed',
  'recovered',
  'renewal_at_risk',
  'silence',
  'source_silent',
]
const HARD = ['cancel_scheduled', 'champion_removed', 'detractor_received', 'payment_failed', 'silence']

test('every shipped rule is a document, and only hard signals speak at any confidence', () => {
  const rules = readShippedRules()
  expect([...rules.keys()]).toEqual(SHIPPED)
  expect([...rules.values()].filter(({ rule }) => rule.kind === 'hard_signal').map(({ rule }) => rule.id)).toEqual(HARD)
})

test('every rule that a shipped rule mutes exists, and is less severe or explained by an outage', () => {
  const rules = readShippedRules()
  for (const { rule } of rules.values())
    for (const muted of rule.mutes) {
      expect(rule.severity).toBe('critical')
      expect(rules.get(muted)?.rule.severity).toEqual(rule.audience === 'operators' ? expect.any(String) : 'warning')
    }
})

const valid = { id: 'low', severity: 'info', when: { fact: 'score', op: '<', value: 10 } }

test('a rule without more than id, severity and condition has the defaults and recovers when the condition ends', () => {
  const read = readRuleDocument(valid)
  expect(read).toMatchObject({
    ok: true,
    rule: { dwellMs: 0, cooldownMs: 7 * 86_400_000, reminderMs: 14 * 86_400_000, recovers: { not: valid.when } },
  })
})

const wrong: [string, object, string][] = [
  ['an unknown fact', { when: { fact: 'mood', op: '<', value: 1 } }, '/when/fact'],
  ['an unknown operator', { when: { fact: 'score', op: '~', value: 1 } }, '/when/op'],
  ['text compared with a number', { when: { fact: 'score', op: '<', value: 'ten' } }, '/when/value'],
  ['a band that is none', { when: { fact: 'band', op: '==', value: 'fine' } }, '/when/value'],
  ['an order of flags', { when: { fact: 'autoRenew', op: '<', value: true } }, '/when/op'],
  ['a list without members', { when: { all: [] } }, '/when/all'],
  [
    'a mistake deep inside',
    { when: { any: [valid.when, { not: { all: [{ fact: 'x' }] } }] } },
    '/when/any/1/not/all/0/fact',
  ],
  ['a member too many', { when: { ...valid.when, els: 1 } }, '/when'],
  ['a span that is none', { when: { for: 'a week', that: valid.when } }, '/when/for'],
  [
    'a change of something that is no number',
    { when: { change: 'band', over: '7d', op: '<', value: 0 } },
    '/when/change',
  ],
  ['no condition', { when: undefined }, '/when'],
  ['a wrong recovery', { recovers: { fact: 'score', op: '>=' } }, '/recovers/value'],
  ['a dwell that is none', { dwell: 'soon' }, '/dwell'],
  ['a stage that is none', { filter: { stages: ['trial'] } }, '/filter/stages/0'],
  ['an id with capitals', { id: 'Low' }, '/id'],
  ['two openings', { quietSource: { for: '2h' } }, '/quietSource'],
  ['a recovery of quiet', { when: undefined, quietSource: { for: '2h' }, recovers: valid.when }, '/recovers'],
  ['a quiet of no length', { when: undefined, quietSource: { for: '0s' } }, '/quietSource/for'],
  ['a share above all', { when: undefined, quietAccounts: { share: 2 } }, '/quietAccounts/share'],
  ['two facts of different kinds', { when: { fact: 'score', op: '<', than: 'ownerId' } }, '/when/than'],
]

test.each(wrong)('%s is refused, with a pointer to it', (_, change, pointer) => {
  const read = readRuleDocument({ ...valid, ...change })
  expect(read.ok).toBe(false)
  expect(read.ok ? [] : read.errors.map((error) => error.pointer)).toContain(pointer)
})

test('conditions nested beyond reason are refused, not followed', () => {
  let when: object = valid.when
  for (let i = 0; i < 5_000; i++) when = { not: when }
  expect(readRuleDocument({ ...valid, when }).ok).toBe(false)
})

test('a document that is no object is refused', () => {
  for (const value of [null, 1, 'rule', [], undefined]) expect(readRuleDocument(value).ok).toBe(false)
})
