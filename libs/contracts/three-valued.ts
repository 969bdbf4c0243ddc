/** Truth of what may be unknown: null is Kleene's third value. */
export type Truth = boolean | null

/** False when one is false, else null when one is unknown. True for none. */
export const everyTrue = (truths: readonly Truth[]): Truth =>
  truths.includes(false) ? false : truths.includes(null) ? null : true

/** True when one is true, else null when one is unknown. False for none. */
export const someTrue = (truths: readonly Truth[]): Truth =>
  truths.includes(true) ? true : truths.includes(null) ? null : false

export const negate = (truth: Truth): Truth => (truth === null ? null : !truth)

export type Ordering = '<' | '<=' | '>' | '>='

export const isOrdered = (left: number, op: Ordering, right: number): boolean => {
  switch (op) {
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    case '>=':
      return left >= right
  }
}
