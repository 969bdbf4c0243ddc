export type Random = {
  /** 0 <= x < 1. */
  readonly next: () => number
  readonly integer: (min: number, max: number) => number
  readonly pick: <T>(items: readonly T[]) => T
}

/** Pseudo-random numbers (mulberry32), the same in every run. */
export const createRandom = (seed: number): Random => {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const integer = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1))
  return { next, integer, pick: (items) => items[integer(0, items.length - 1)]! }
}
