import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FACT_NAMES } from '#libs/contracts/facts.ts'
import { RULE_JSON_SCHEMA, readRuleDocument } from './rule-document.ts'
import { readShippedRules } from './shipped-rules.ts'

const accepts = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(RULE_JSON_SCHEMA)

test('the published schema accepts every shipped rule', () => {
  for (const { document } of readShippedRules().values())
    expect([document.id, accepts(document)]).toEqual([document.id, true])
})

/** Conditions near the language: right ones, and ones with one part that does not fit. */
const scalar = fc.constantFrom(1, 0.5, true, 'kim', 'at_risk', 'renewal', null, ['at_risk'], [1], [])
const span = fc.constantFrom('7d', '12h', '1.5h', 'a week', ' 7d', 7)
const name = fc.constantFrom(...FACT_NAMES, 'mood')
const op = fc.constantFrom('<', '<=', '>', '>=', '==', '!=', 'in', 'not_in', 'known', 'unknown', '~')
const { condition } = fc.letrec<{ condition: unknown }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ fact: name, op, value: scalar }),
    fc.record({ fact: name, op }),
    fc.record({ fact: name, op: fc.constantFrom('known', 'unknown') }),
    fc.record({ fact: name, op, than: name }),
    fc.record({ change: name, over: span, op, value: scalar }),
    fc.record({ all: fc.array(tie('condition'), { maxLength: 2 }) }),
    fc.record({ any: fc.array(tie('condition'), { maxLength: 2 }) }),
    fc.record({ not: tie('condition') }),
    fc.record({ that: tie('condition'), for: span }),
    fc.record({ previously: tie('condition') }),
    fc.record({ not: tie('condition'), els: scalar }),
  ),
}))

test('the published schema and the reader agree on every document', () => {
  const seen = { valid: 0, invalid: 0 }
  fc.assert(
    fc.property(condition, fc.constantFrom('when', 'recovers'), (tried, member) => {
      const document = { id: 'tried', severity: 'info', when: { fact: 'score', op: 'known' }, [member]: tried }
      const read = readRuleDocument(document)
      seen[read.ok ? 'valid' : 'invalid']++
      expect(accepts(document), JSON.stringify(document)).toBe(read.ok)
    }),
    { numRuns: 3_000 },
  )
  expect(Math.min(seen.valid, seen.invalid)).toBeGreaterThan(100)
})

test.each([
  ['two openings', { quietSource: { for: '2h' } }],
  ['a recovery of quiet', { when: undefined, quietSource: { for: '2h' }, recovers: { fact: 'score', op: 'known' } }],
  ['no opening', { when: undefined }],
  ['a severity that is none', { severity: 'loud' }],
  ['a member that is none', { colour: 'red' }],
  ['an id with blanks', { id: 'a b' }],
  ['a dwell that is no duration', { dwell: 'soon' }],
  ['a stage that is none', { filter: { stages: ['asleep'] } }],
])('the published schema and the reader refuse %s', (_, change) => {
  const document = { id: 'tried', severity: 'info', when: { fact: 'score', op: '<', value: 1 }, ...change }
  expect([accepts(document), readRuleDocument(document).ok]).toEqual([false, false])
})
