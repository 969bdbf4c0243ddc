import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import type { RawEvent } from '../core/events/parse-event.ts'
import { mayName, type Redaction, redactChange, redactEvent } from '../core/events/redact.ts'
import { readKeptEvent } from '../log/event-store.ts'
import { changeIn, eventsIn, joinEvents } from '../log/log-frames.ts'
import { placeOf } from '../log/log-rows.ts'
import { listPlaces, markEmptied } from './frame-store.ts'
import { editLog, writeOver } from './rewrite-frames.ts'

/** Takes a user out of the events and changes that the log keeps of an account. */
export const redactLog = async (tx: Sql, key: AccountKey, redaction: Redaction): Promise<void> => {
  const emptied: number[] = []
  await editLog(tx, await listPlaces(tx, key), (frame, row) => {
    const place = placeOf(row)
    let edited = false
    const events = eventsIn(frame, place)
    const left = events.flatMap((value): { readonly raw: RawEvent }[] => {
      if (!mayName(value, redaction.userId)) return [{ raw: { value } }]
      const event = readKeptEvent(key, value)
      const kept = redactEvent(event, redaction.userId)
      edited ||= kept !== event
      return kept === null ? [] : [kept]
    })
    if (edited) {
      writeOver(frame, { at: place.eventsAt, length: place.eventsLength }, joinEvents(left))
      if (left.length === 0) emptied.push(row.version)
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
  if (emptied.length > 0) await markEmptied(tx, key, emptied)
}
