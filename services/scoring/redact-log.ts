import type { Sql } from '#libs/postgres/database.ts'
import type { AccountKey } from './account-store.ts'
import { type Redaction, redactChange, redactEvent } from './core/redact.ts'
import { editLog, writeOver } from './edit-log.ts'
import { readKeptEvent } from './event-store.ts'
import { listPlaces, writeLastOccurred } from './log-edit-store.ts'
import { changeIn, eventsIn, joinEvents } from './log-frames.ts'
import { placeOf } from './log-rows.ts'

/** Takes a user out of the events and changes that the log keeps of an account. */
export const redactLog = async (tx: Sql, key: AccountKey, redaction: Redaction): Promise<void> => {
  const shortened: { version: number; lastOccurredAt: number | null }[] = []
  await editLog(tx, await listPlaces(tx, key), (frame, row) => {
    const place = placeOf(row)
    let edited = false
    const events = eventsIn(frame, place).map((value) => readKeptEvent(key, value))
    const kept = events.map((event) => redactEvent(event, redaction.userId))
    if (kept.some((event, i) => event !== events[i])) {
      const left = kept.filter((event) => event !== null)
      writeOver(frame, { at: place.eventsAt, length: place.eventsLength }, joinEvents(left))
      const lastOccurredAt = left.reduce<number | null>(
        (last, { occurredAt }) => Math.max(last ?? occurredAt, occurredAt),
        null,
      )
      shortened.push({ version: row.version, lastOccurredAt })
      edited = true
    }
    const change = changeIn(frame, place)
    if (change !== null) {
      const before = change.toString()
      const after = JSON.stringify(redactChange(JSON.parse(before), redaction))
      if (after !== before.trimEnd()) {
        writeOver(frame, { at: place.eventsAt + place.eventsLength, length: place.changeLength }, Buffer.from(after))
        edited = true
      }
    }
    return edited
  })
  if (shortened.length > 0) await writeLastOccurred(tx, key, shortened)
}
