export type RecentlyAccepted = {
  /** The content's mark of an id whose publish was acknowledged lately; undefined when not known. */
  readonly find: (key: string) => number | undefined
  readonly remember: (key: string, mark: number) => void
}

/**
 * The ids acknowledged last, between `capacity / 2` and `capacity` of them: two generations, the older thrown away whole. Only a
 * kindness to clients that send again: what counts once is decided by scoring, not here.
 */
export const createRecentlyAccepted = (capacity: number): RecentlyAccepted => {
  let young = new Map<string, number>()
  let old = new Map<string, number>()
  return {
    find: (key) => young.get(key) ?? old.get(key),
    remember: (key, mark) => {
      if (young.size >= capacity / 2) {
        old = young
        young = new Map()
      }
      // The first content of an id stays, as everywhere.
      if (!young.has(key) && !old.has(key)) young.set(key, mark)
    },
  }
}
