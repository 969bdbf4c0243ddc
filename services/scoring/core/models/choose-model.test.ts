import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TraitCondition } from '#libs/contracts/trait-condition.ts'
import { testModel } from '../../../../tests/support/scoring/account-history.ts'
import { chooseModel, createTenantModels, withModel } from './choose-model.ts'
import { matchesTraits, type Traits } from './segment.ts'

const fallback = testModel()
const IDS = ['a', 'b', 'c', 'd', 'e', 'f']
const NAMES = ['plan', 'mrr', 'beta']
const value = fc.oneof(fc.constantFrom('pro', 'free', 5, 10, true, false))
const trait = fc.constantFrom(...NAMES)
const condition: fc.Arbitrary<TraitCondition> = fc.letrec<{ node: TraitCondition }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    fc.record({ trait, op: fc.constantFrom('==', '!='), value }) as fc.Arbitrary<TraitCondition>,
    fc.record({
      trait,
      op: fc.constantFrom('<', '<=', '>', '>='),
      value: fc.integer({ min: 4, max: 6 }),
    }) as fc.Arbitrary<TraitCondition>,
    fc.record({ trait, op: fc.constantFrom('in', 'not_in'), values: fc.array(value) }) as fc.Arbitrary<TraitCondition>,
    fc.record({ trait, op: fc.constantFrom('known', 'unknown') }) as fc.Arbitrary<TraitCondition>,
    fc.record({ all: fc.array(tie('node'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('node'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ not: tie('node') }),
  ),
})).node
const traits: fc.Arbitrary<Traits> = fc.dictionary(trait, fc.oneof(value, fc.constantFrom(null, [1], { a: 1 })))
const models = fc
  .uniqueArray(fc.record({ id: fc.constantFrom(...IDS), priority: fc.integer({ min: 0, max: 2 }), when: condition }), {
    selector: ({ id }) => id,
    maxLength: IDS.length,
  })
  .map((given) => given.map(({ id, ...segment }) => testModel({ id, segment })))

test('of the models that match, the one of the highest priority scores an account, of equals the first by id; without one the default', () => {
  fc.assert(
    fc.property(models, traits, fc.infiniteStream(fc.nat()), (given, known, random) => {
      const [best] = given
        .filter(({ model }) => matchesTraits(model.segment!.when, known))
        .map((one) => ({ one, rank: [-one.model.segment!.priority, one.model.id] as const }))
        .sort(({ rank: a }, { rank: b }) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1))
      const shuffled = given
        .map((one) => ({ one, place: random.next().value as number }))
        .sort((a, b) => a.place - b.place)
        .map(({ one }) => one)
      expect(chooseModel(createTenantModels(fallback, shuffled), known)).toBe(best?.one ?? fallback)
      const added = shuffled.reduce(withModel, createTenantModels(fallback, []))
      expect(chooseModel(added, known)).toBe(best?.one ?? fallback)
    }),
  )
})

/** With every trait a known number there is nothing to be unsure of. */
const holds = (one: TraitCondition, known: Readonly<Record<string, number>>): boolean => {
  if ('all' in one) return one.all.every((part) => holds(part, known))
  if ('any' in one) return one.any.some((part) => holds(part, known))
  if ('not' in one) return !holds(one.not, known)
  const given = known[one.trait]!
  if ('values' in one) return one.values.includes(given) === (one.op === 'in')
  if (!('value' in one)) return one.op === 'known'
  if (one.op === '==' || one.op === '!=') return (given === one.value) === (one.op === '==')
  const limit = Number(one.value)
  if (one.op === '<' || one.op === '<=') return given < limit || (one.op === '<=' && given === limit)
  return given > limit || (one.op === '>=' && given === limit)
}

test('conditions over known numbers are plain logic', () => {
  const numbers = fc.record(Object.fromEntries(NAMES.map((name) => [name, fc.integer({ min: 4, max: 6 })])))
  fc.assert(
    fc.property(condition, numbers, (one, known) => {
      expect(matchesTraits(one, known)).toBe(holds(one, known))
    }),
    { numRuns: 1_000 },
  )
})

test('no account matches a condition and its opposite, and one it has nothing to say to matches neither', () => {
  fc.assert(
    fc.property(condition, traits, (one, known) => {
      expect(matchesTraits(one, known) && matchesTraits({ not: one }, known)).toBe(false)
    }),
  )
  const asked: TraitCondition = { trait: 'plan', op: '!=', value: 'pro' }
  for (const one of [asked, { not: asked }]) expect(matchesTraits(one, { plan: null })).toBe(false)
})
