import { LRUCache } from 'lru-cache'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { HOUR_MS } from '#libs/runtime/durations.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { shareRuns } from '#libs/runtime/share-runs.ts'
import { findKeys, recentKeys, type StoredKey } from './key-store.ts'

/** A revoked key is refused everywhere within 1 s: this plus the time of one look-up. */
const FRESH_MS = 700
/** Longest service of a key that the database has not confirmed: a revocation must end. */
const MAX_UNCONFIRMED_MS = HOUR_MS
const LOOKUP_TIMEOUT_MS = 2_000
const MAX_KNOWN = 20_000
const MAX_UNKNOWN = 10_000
/** Read ahead, so that a process that has just started serves through an outage too. */
const READ_AHEAD = 10_000

type Entry = { readonly key: StoredKey | undefined; readonly checkedAt: number }

/**
 * Stored keys by id. While the database is unavailable the last known keys serve for an hour:
 * ingest goes on.
 * One query at a time bounds the load, whatever the traffic. Guesses never push out known keys.
 */
export const createKeyCache = ({ database, clock }: { readonly database: Database; readonly clock: Clock }) => {
  const known = new LRUCache<string, Entry>({ max: MAX_KNOWN })
  const unknown = new LRUCache<string, Entry>({ max: MAX_UNKNOWN })
  const asked = new Set<string>()
  let unavailable = false
  let confirmedAt = Number.NEGATIVE_INFINITY

  const lookUp = shareRuns(async () => {
    const ids = [...asked]
    asked.clear()
    const checkedAt = clock.now()
    const keys = await withTimeout(clock, findKeys(database, ids)).catch((error: Error) => {
      unavailable = true
      throw error
    })
    unavailable = false
    confirmedAt = checkedAt
    const found = new Map(keys.map((key) => [key.id, key]))
    for (const id of ids) {
      const key = found.get(id)
      const [holder, other] = key ? [known, unknown] : [unknown, known]
      holder.set(id, { key, checkedAt })
      other.delete(id)
    }
  })

  /** Undefined for no such key. Throws UnavailableError when neither database nor memory knows. */
  const find = async (id: string): Promise<StoredKey | undefined> => {
    const entry = known.get(id) ?? unknown.get(id)
    const ageMs = entry ? clock.now() - entry.checkedAt : Number.POSITIVE_INFINITY
    if (entry && ageMs >= 0 && ageMs < FRESH_MS) return entry.key
    asked.add(id)
    const refreshed = lookUp()
    const last = ageMs < MAX_UNCONFIRMED_MS ? known.get(id) : undefined
    if (unavailable && last) {
      refreshed.catch(() => {})
      return last.key
    }
    try {
      await refreshed
    } catch (error) {
      if (error instanceof UnavailableError && last) return last.key
      throw error
    }
    return (known.get(id) ?? unknown.get(id))?.key
  }

  return {
    find,
    /** Reads the keys that were used last. */
    refresh: async (): Promise<void> => {
      const checkedAt = clock.now()
      const keys = await recentKeys(database, READ_AHEAD)
      for (const key of keys.toReversed()) known.set(key.id, { key, checkedAt })
      confirmedAt = checkedAt
    },
    /** Rejects once keys may have to be refused, since the database has confirmed none for long. */
    check: async (): Promise<void> => {
      if (clock.now() - confirmedAt >= MAX_UNCONFIRMED_MS)
        throw new UnavailableError('no key was confirmed for an hour')
    },
  }
}

const withTimeout = <T>(clock: Clock, work: Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    const cancel = clock.after(LOOKUP_TIMEOUT_MS, () => reject(new UnavailableError('the key look-up took too long')))
    work.then(resolve, reject).finally(cancel)
  })
