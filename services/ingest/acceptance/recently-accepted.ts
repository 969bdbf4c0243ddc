import { LRUCache } from 'lru-cache'

/** Ids that the log acknowledged lately. Only a courtesy: deduplication is exact in scoring. */
export type RecentlyAccepted = {
  /** Digest of the content that was accepted under the id; undefined: not known. */
  readonly find: (idKey: string) => number | undefined
  readonly remember: (idKey: string, digest: number) => void
}

export const createRecentlyAccepted = (capacity: number): RecentlyAccepted => {
  const digests = new LRUCache<string, number>({ max: Math.max(1, capacity) })
  return {
    find: (idKey) => digests.peek(idKey),
    remember: (idKey, digest) => {
      // The first content accepted under an id stays, as in scoring.
      if (!digests.has(idKey)) digests.set(idKey, digest)
    },
  }
}
