import { type Erasures, withoutErased } from './erasure.ts'
import type { ReceivedEvent } from './parse-event.ts'
import { hashId, ID_BYTES, type SeenIds } from './seen-ids.ts'

const word = new Uint32Array(2)

type Seen = {
  readonly ids: SeenIds
  /** Null: nothing was erased. */
  readonly erasures: Erasures | null
}

/**
 * Events not counted before and not erased, and their hashes one behind the other. The one place
 * that decides whether an event counts. Exactly once rests on three things together:
 * - `seen-ids.ts` holds every id the account has counted, as exact as its version.
 * - `erasure.ts` refuses erased events, however they come again.
 * - The write compares and swaps the version: a flush that lost its partition changes nothing.
 * recently-accepted.ts of the ingest service only answers repeating clients; nothing rests on it.
 */
export const deduplicate = (account: Seen, events: readonly ReceivedEvent[]) => {
  const ids = Buffer.allocUnsafe(events.length * ID_BYTES)
  const fresh: ReceivedEvent[] = []
  for (const given of events) {
    const event = account.erasures === null ? given : withoutErased(given, account.erasures)
    if (event === null) continue
    hashId(event.source, event.id, word)
    if (!account.ids.add(word[0]!, word[1]!)) continue
    ids.writeUInt32LE(word[0]!, fresh.length * ID_BYTES)
    ids.writeUInt32LE(word[1]!, fresh.length * ID_BYTES + 4)
    fresh.push(event)
  }
  return { fresh, ids: ids.subarray(0, fresh.length * ID_BYTES) }
}
