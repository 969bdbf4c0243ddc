import { MAX_EVENT_DEPTH, MAX_EVENT_KEYS } from '#libs/contracts/event-limits.ts'

/** Only an escape brings NUL or half a surrogate pair into UTF-8: this slow check needs a `\u`. */
export const isCleanText = (text: string): boolean => {
  const written = JSON.stringify(JSON.parse(text))
  return !/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/i.test(written)
}

/** `value` is an object or an array at that depth. Undefined: it keeps the limits of the door. */
export const problemOfShape = (value: object, depth: number): string | undefined => {
  if (depth > MAX_EVENT_DEPTH) return `nested deeper than ${MAX_EVENT_DEPTH} levels`
  const values = Array.isArray(value) ? value : Object.values(value)
  if (!Array.isArray(value) && values.length > MAX_EVENT_KEYS) return `more than ${MAX_EVENT_KEYS} keys in an object`
  for (const item of values) {
    if (typeof item === 'number') {
      if (!Number.isFinite(item)) return 'a number beyond a double'
    } else if (typeof item === 'object' && item !== null) {
      const problem = problemOfShape(item, depth + 1)
      if (problem !== undefined) return problem
    }
  }
  return undefined
}
