import type { ErrorDetail } from '#libs/runtime/errors.ts'

/** Conditions of a rule, those inside others counted too. */
export const MOST_CONDITIONS = 200
/** A tenant's rules are read together for each evaluated batch. */
export const MOST_RULE_CHARACTERS = 64 * 1024

type Place = { readonly value: unknown; readonly pointer: string }

/** What is wrong with the size of a rule, looked at before anything dear is done with it. */
export const ruleSizeError = (document: Readonly<Record<string, unknown>>): ErrorDetail | undefined => {
  let left = MOST_CONDITIONS
  const open: Place[] = [
    { value: document.recovers, pointer: '/recovers' },
    { value: document.when, pointer: '/when' },
  ]
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { value, pointer } = place
    if (typeof value !== 'object' || value === null) continue
    if (left-- === 0)
      return { pointer, code: 'too_many_conditions', detail: `A rule has at most ${MOST_CONDITIONS} conditions` }
    open.push(...childrenOf(value as Readonly<Record<string, unknown>>, pointer))
  }
  if (JSON.stringify(document).length <= MOST_RULE_CHARACTERS) return undefined
  return { pointer: '', code: 'too_long', detail: `A rule has at most ${MOST_RULE_CHARACTERS} characters as JSON` }
}

/** In reverse, so that the first is looked at first; no more than matter. */
const childrenOf = (condition: Readonly<Record<string, unknown>>, pointer: string): Place[] => [
  ...['previously', 'that', 'not'].map((name) => ({ value: condition[name], pointer: `${pointer}/${name}` })),
  ...['any', 'all'].flatMap((name) => {
    const parts = condition[name]
    if (!Array.isArray(parts)) return []
    const looked = parts.slice(0, MOST_CONDITIONS + 1)
    return looked.map((value: unknown, index) => ({ value, pointer: `${pointer}/${name}/${index}` })).toReversed()
  }),
]
