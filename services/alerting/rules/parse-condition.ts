import { z } from 'zod'
import { FACTS, type FactName } from '#libs/contracts/facts.ts'
import type { Ordering } from '#libs/contracts/three-valued.ts'
import { jsonPointer } from '#libs/http/json-pointer.ts'
import { DAY_MS, parseDuration } from '#libs/runtime/durations.ts'
import type { ErrorDetail } from '#libs/runtime/errors.ts'
import type { Condition } from '../core/conditions/condition.ts'
import { COMPARISONS, factSchema, orderingSchema, SHAPES } from './condition-schemas.ts'

type Shape = keyof typeof SHAPES
const OPERATORS = z.enum(['<', '<=', '>', '>=', '==', '!=', 'in', 'not_in', 'known', 'unknown'])
const LONGEST_DEPTH = 16

/** Reads a condition; undefined when not valid. `errors` gets each mistake with its pointer. */
export const readCondition = (
  value: unknown,
  pointer: string,
  errors: ErrorDetail[],
  depth = 1,
): Condition | undefined => {
  const fail = (at: string, detail: string): undefined => {
    errors.push({ pointer: at, code: 'invalid_condition', detail })
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fail(pointer, 'A condition: an object with fact, change, that, previously, all, any or not')
  if (depth > LONGEST_DEPTH) return fail(pointer, `Conditions nest at most ${LONGEST_DEPTH} deep`)
  const child = (inner: unknown, at: string) => readCondition(inner, at, errors, depth + 1)
  const list = (inner: readonly unknown[], at: string): Condition[] | undefined => {
    const read = inner.map((part, i) => child(part, `${at}/${i}`))
    return read.includes(undefined) ? undefined : (read as Condition[])
  }
  const check = <Schema extends z.ZodType>(schema: Schema): z.infer<Schema> | undefined => {
    const parsed = schema.safeParse(value)
    if (parsed.success) return parsed.data
    for (const issue of parsed.error.issues) fail(pointer + jsonPointer(issue.path), issue.message)
    return undefined
  }

  const shape = (Object.keys(SHAPES) as Shape[]).find((name) => Object.hasOwn(value, name))
  switch (shape) {
    case 'all': {
      const read = check(SHAPES.all)
      const all = read && list(read.all, `${pointer}/all`)
      return all && { all }
    }
    case 'any': {
      const read = check(SHAPES.any)
      const any = read && list(read.any, `${pointer}/any`)
      return any && { any }
    }
    case 'not': {
      const not = child((value as { not: unknown }).not, `${pointer}/not`)
      return check(SHAPES.not) && not && { not }
    }
    case 'that': {
      const read = check(SHAPES.that)
      const that = read && child(read.that, `${pointer}/that`)
      return that && { that, forMs: parseDuration(read.for)! }
    }
    case 'previously': {
      const previously = child((value as { previously: unknown }).previously, `${pointer}/previously`)
      return check(SHAPES.previously) && previously && { previously }
    }
    case 'change': {
      const read = check(SHAPES.change)
      return read && changeOf(read.change, parseDuration(read.over)!, read.op, read.value)
    }
    case undefined:
      return readComparison(value as Record<string, unknown>, pointer, errors)
  }
}

/** Scoring publishes the change of the score over 7 and 28 days. Other changes need a memory. */
const changeOf = (change: FactName, overMs: number, op: Ordering, value: number): Condition => {
  if (change === 'score' && overMs === 7 * DAY_MS) return { fact: 'scoreDelta7d', op, value }
  if (change === 'score' && overMs === 28 * DAY_MS) return { fact: 'scoreDelta28d', op, value }
  return { change, overMs, op, value }
}

const readComparison = (
  value: Record<string, unknown>,
  pointer: string,
  errors: ErrorDetail[],
): Condition | undefined => {
  const op = OPERATORS.safeParse(value.op)
  const name = factSchema.safeParse(value.fact)
  const problems: ErrorDetail[] = []
  const fail = (member: string, detail: string) =>
    problems.push({ pointer: `${pointer}/${member}`, code: 'invalid_condition', detail })
  if (!name.success) fail('fact', `One of ${factSchema.options.join(', ')}`)
  if (!op.success) fail('op', `One of ${OPERATORS.options.join(' ')}`)
  if (!name.success || !op.success) {
    errors.push(...problems)
    return undefined
  }
  const kind = FACTS[name.data].kind
  const shapes = COMPARISONS[kind]
  const isList = op.data === 'in' || op.data === 'not_in'
  const isPresence = op.data === 'known' || op.data === 'unknown'
  if (!isList && !isPresence && orderingSchema.safeParse(op.data).success && kind !== 'number')
    fail('op', `${name.data} is no number: use == != in not_in known unknown`)
  const schema = isList ? shapes.list : isPresence ? shapes.presence : 'than' in value ? shapes.than : shapes.value
  const parsed = schema.safeParse(value)
  if (!parsed.success)
    for (const issue of parsed.error.issues)
      problems.push({
        pointer: pointer + jsonPointer(issue.path),
        code: 'invalid_condition',
        detail: issue.message,
      })
  const { data } = parsed
  if (data && 'than' in data && FACTS[data.than].kind !== kind) fail('than', `Not comparable with ${name.data}`)
  errors.push(...problems)
  if (problems.length > 0 || !data) return undefined
  return 'value' in data && Array.isArray(data.value)
    ? ({ fact: data.fact, op: data.op, values: data.value } as Condition)
    : (data as Condition)
}
