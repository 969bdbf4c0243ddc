/** Counts by name; a name whose count is 0 is forgotten. */
export type Tally = {
  readonly add: (name: string) => void
  readonly remove: (name: string) => void
  readonly of: (name: string) => number
  readonly total: () => number
  readonly counts: () => ReadonlyMap<string, number>
}

export const createTally = (): Tally => {
  const counts = new Map<string, number>()
  let total = 0
  const change = (name: string, by: number): void => {
    const count = (counts.get(name) ?? 0) + by
    total += by
    if (count === 0) counts.delete(name)
    else counts.set(name, count)
  }
  return {
    add: (name) => change(name, 1),
    remove: (name) => change(name, -1),
    of: (name) => counts.get(name) ?? 0,
    total: () => total,
    counts: () => counts,
  }
}
