/** A part of a JSON value that PostgreSQL or the next JSON writer could not take. */
export type JsonFault = {
  readonly path: readonly (string | number)[]
  readonly code: 'too_deep' | 'too_many_keys' | 'forbidden_key' | 'invalid_text' | 'invalid_number'
  readonly detail: string
}

export type JsonLimits = {
  readonly maxDepth: number
  readonly maxKeys: number
  /** Tests every text and key. Not needed for valid UTF-8 without a `\u` escape. */
  readonly isBad?: ((text: string) => boolean) | undefined
}

/** Half of a surrogate pair, or NUL: neither can be stored as text. */
export const isBadText = (text: string): boolean => text.includes('\u0000') || !text.isWellFormed()

const TEXT_DETAIL = 'NUL, lone surrogates and bytes that are not UTF-8 cannot be stored'

/** The first fault. Walks no deeper than `maxDepth`, so nesting cannot exhaust the stack. */
export const findJsonFault = (value: unknown, limits: JsonLimits): JsonFault | undefined => {
  const fault = walk(value, limits, 0)
  return fault && { ...fault, path: fault.path.toReversed() }
}

type Found = { code: JsonFault['code']; detail: string; path: (string | number)[] }

const walk = (value: unknown, limits: JsonLimits, depth: number): Found | undefined => {
  if (typeof value === 'string')
    return limits.isBad?.(value) ? { code: 'invalid_text', detail: TEXT_DETAIL, path: [] } : undefined
  if (typeof value === 'number')
    return Number.isFinite(value)
      ? undefined
      : { code: 'invalid_number', detail: 'Beyond the range of a double', path: [] }
  if (typeof value !== 'object' || value === null) return undefined
  if (depth >= limits.maxDepth)
    return { code: 'too_deep', detail: `Nested deeper than ${limits.maxDepth} levels`, path: [] }
  return Array.isArray(value)
    ? walkList(value, limits, depth)
    : walkObject(value as Record<string, unknown>, limits, depth)
}

const walkList = (list: readonly unknown[], limits: JsonLimits, depth: number): Found | undefined => {
  for (let index = 0; index < list.length; index++) {
    const found = walk(list[index], limits, depth + 1)
    if (found) {
      found.path.push(index)
      return found
    }
  }
  return undefined
}

const walkObject = (object: Record<string, unknown>, limits: JsonLimits, depth: number): Found | undefined => {
  let keys = 0
  for (const key in object) {
    if (++keys > limits.maxKeys)
      return { code: 'too_many_keys', detail: `More than ${limits.maxKeys} keys in one object`, path: [] }
    if (key === '__proto__') return { code: 'forbidden_key', detail: 'The key "__proto__" is not taken', path: [key] }
    if (limits.isBad?.(key)) return { code: 'invalid_text', detail: TEXT_DETAIL, path: [] }
    const found = walk(object[key], limits, depth + 1)
    if (found) {
      found.path.push(key)
      return found
    }
  }
  return undefined
}
