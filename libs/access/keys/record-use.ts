import { LRUCache } from 'lru-cache'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { MINUTE_MS } from '#libs/runtime/durations.ts'
import { shareRuns } from '#libs/runtime/share-runs.ts'
import { markUsed } from './key-store.ts'

const MAX_KNOWN = 20_000

/**
 * Records when keys were last used, to the minute: a busy key costs one write a minute, and no
 * request waits for it. A use that could not be written is lost: the next minute has another.
 */
export const createRecordUse = ({ database, clock }: { readonly database: Database; readonly clock: Clock }) => {
  const recorded = new LRUCache<string, number>({ max: MAX_KNOWN })
  const waiting = new Map<string, number>()
  const write = shareRuns(async () => {
    const uses = new Map(waiting)
    waiting.clear()
    if (uses.size > 0) await markUsed(database, uses)
  })
  return (keyId: string): void => {
    const minute = Math.floor(clock.now() / MINUTE_MS) * MINUTE_MS
    if (recorded.get(keyId) === minute) return
    recorded.set(keyId, minute)
    waiting.set(keyId, minute)
    write().catch(() => {})
  }
}
