import { type AccountName, type Erasures, withoutErased } from './erasure.ts'
import type { ReceivedEvent } from './parse-event.ts'
import { hashId, ID_BYTES, type SeenIds } from './seen-ids.ts'

const word = new Uint32Array(2)

type Seen = AccountName & {
  readonly ids: SeenIds
  /** Null: nothing was erased. */
  readonly erasures: Erasures | null
}

/**
 * Events not counted before and not erased, and their hashes one behind the other. The one place that decides whether an
 * event counts. Exactly once rests on three things together:
 * - `seen-ids.ts` holds every id that the account has counted, as exact as the account's version.
 * - `erasure.ts` refuses what was erased, whether the log is read again or a client sends its past again.
 * - The write compares and swaps the account's version: a flush that lost its partition changes nothing.
 * Ingest's `recently-accepted.ts` only answers a client that repeats itself; nothing rests on it.
 */
export const deduplicate = (account: Seen, events: readonly ReceivedEvent[]) => {
  const ids = Buffer.allocUnsafe(events.length * ID_BYTES)
  const fresh: ReceivedEvent[] = []
  for (const given of events) {
    const event = account.erasures === null ? given : withoutErased(given, account.erasures, account)
    if (event === null) continue
    hashId(event.source, event.id, word)
    if (!account.ids.add(word[0]!, word[1]!)) continue
    ids.writeUInt32LE(word[0]!, fresh.length * ID_BYTES)
    ids.writeUInt32LE(word[1]!, fresh.length * ID_BYTES + 4)
    fresh.push(event)
  }
  return { fresh, ids: ids.subarray(0, fresh.length * ID_BYTES) }
}
