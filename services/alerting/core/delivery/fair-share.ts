/** A bound that several holders share, and what one of them holds of it. */
export type Holding = { readonly most: number; readonly used: number; readonly own: number }

/**
 * How many more one holder may take: it never holds more than it leaves free. One holder alone has
 * half of all, and n greedy ones leave 1/(n + 1) to the next that comes. Who has none may take the
 * last.
 */
export const fairShare = ({ most, used, own }: Holding): number =>
  Math.max(own === 0 && used < most ? 1 : 0, Math.floor((most - used - own) / 2))

/** Every holder may have so many, from a part that only those with little may use. */
const LEAST = 4
const RESERVED = 0.25

export type ClaimShares = {
  /** Claims of all together. */
  readonly limit: number
  /** Claims of who holds `own` already. */
  readonly of: (own: number) => number
}

/** What may be claimed while `used` of `most` are. The reserve is for holders of few. */
export const claimShares = (most: number, used: number): ClaimShares => {
  const common = Math.ceil(most * (1 - RESERVED))
  return {
    limit: used < common ? common - used : most - used,
    of: (own) => Math.max(LEAST - own, fairShare({ most: common, used, own })),
  }
}
