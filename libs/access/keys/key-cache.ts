import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { findKeys, type StoredKey } from './key-store.ts'

/** A revoked key is refused everywhere within 1 s: this plus the time of one look-up. */
const FRESH_MS = 700
/** A database that does not answer by then counts as away. */
const LOOKUP_TIMEOUT_MS = 2_000
const MAX_KNOWN = 20_000
const MAX_UNKNOWN = 10_000

type Entry = { readonly key: StoredKey | undefined; readonly checkedAt: number }

/** Forgets the oldest when full. */
const remember = (cache: Map<string, Entry>, id: string, entry: Entry, max: number): void => {
  cache.delete(id)
  cache.set(id, entry)
  if (cache.size > max) cache.delete(cache.keys().next().value!)
}

/**
 * Stored keys by id, at most a second old while the database answers. While it is away the last known state serves, so that ingest
 * goes on. Ids asked for together share one query and only one query runs at a time, so that neither traffic nor guessed keys load
 * the database; unknown ids have their own bounded memory, so that guesses never push out known keys.
 */
export const createKeyCache = ({ database, clock }: { readonly database: Database; readonly clock: Clock }) => {
  const known = new Map<string, Entry>()
  const unknown = new Map<string, Entry>()
  let waiting: { ids: Set<string>; result: Promise<void> } | undefined
  let running: Promise<void> = Promise.resolve()
  let away = false

  const lookUp = async (ids: readonly string[]): Promise<void> => {
    const checkedAt = clock.now()
    const found = new Map((await withTimeout(clock, findKeys(database, ids))).map((key) => [key.id, key]))
    for (const id of ids) {
      const key = found.get(id)
      if (key) {
        remember(known, id, { key, checkedAt }, MAX_KNOWN)
        unknown.delete(id)
      } else {
        remember(unknown, id, { key, checkedAt }, MAX_UNKNOWN)
        known.delete(id)
      }
    }
  }
  const refresh = (id: string): Promise<void> => {
    if (!waiting) {
      const ids = new Set<string>()
      const result = running.then(async () => {
        waiting = undefined
        try {
          await lookUp([...ids])
          away = false
        } catch (error) {
          away = true
          throw error
        }
      })
      waiting = { ids, result }
      running = result.catch(() => {})
    }
    waiting.ids.add(id)
    return waiting.result
  }

  /** The key, undefined when there is none; throws UnavailableError when neither database nor memory knows. */
  return async (id: string): Promise<StoredKey | undefined> => {
    const entry = known.get(id) ?? unknown.get(id)
    const ageMs = entry ? clock.now() - entry.checkedAt : Number.POSITIVE_INFINITY
    if (entry && ageMs >= 0 && ageMs < FRESH_MS) return entry.key
    const refreshed = refresh(id)
    const last = known.get(id)
    if (away && last) {
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
}

const withTimeout = <T>(clock: Clock, work: Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    const cancel = clock.after(LOOKUP_TIMEOUT_MS, () => reject(new UnavailableError('the key look-up took too long')))
    work.then(resolve, reject).finally(cancel)
  })
