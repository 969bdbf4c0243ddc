import { everyTrue, isOrdered, negate, someTrue, type Truth } from '#libs/contracts/three-valued.ts'
import type { TraitCondition } from '#libs/contracts/trait-condition.ts'

type Scalar = string | number | boolean
export type Traits = Readonly<Record<string, unknown>>

/** A condition that cannot be known is no match. */
export const matchesTraits = (condition: TraitCondition, traits: Traits): boolean => truthOf(condition, traits) === true

const truthOf = (condition: TraitCondition, traits: Traits): Truth => {
  if ('all' in condition) return everyTrue(condition.all.map((part) => truthOf(part, traits)))
  if ('any' in condition) return someTrue(condition.any.map((part) => truthOf(part, traits)))
  if ('not' in condition) return negate(truthOf(condition.not, traits))
  const value = Object.hasOwn(traits, condition.trait) ? traits[condition.trait] : undefined
  const known = value !== undefined && value !== null
  switch (condition.op) {
    case 'known':
      return known
    case 'unknown':
      return !known
    case '==':
      return known ? value === condition.value : null
    case '!=':
      return known ? value !== condition.value : null
    case 'in':
      return known ? condition.values.includes(value as Scalar) : null
    case 'not_in':
      return known ? !condition.values.includes(value as Scalar) : null
    default:
      return typeof value === 'number' ? isOrdered(value, condition.op, condition.value) : null
  }
}
