import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import type { RawEvent } from '../core/events/parse-event.ts'
import { mayName, type Redaction, redactChange, redactEvent } from '../core/events/redact.ts'
import { readKeptEvent } from '../log/event-store.ts'
import { changeIn, eventsIn, joinEvents } from '../log/log-frames.ts'
import { listPlaces, markWithoutEvents } from './frame-store.ts'
import { overwrite, rewriteFrames } from './rewrite-frames.ts'

export const redactLog = async (tx: Sql, key: AccountKey, redaction: Redaction): Promise<void> => {
  const withoutEvents: number[] = []
  await rewriteFrames(tx, await listPlaces(tx, key), (frame, place) => {
    let redacted = false
    const events = eventsIn(frame, place)
    const left = events.flatMap((value): { readonly raw: RawEvent }[] => {
      if (!mayName(value, redaction.userId)) return [{ raw: { value } }]
      const event = readKeptEvent(key, value)
      const kept = redactEvent(event, redaction.userId)
      redacted ||= kept !== event
      return kept === null ? [] : [kept]
    })
    if (redacted) {
      overwrite(frame, { at: place.eventsAt, length: place.eventsLength }, joinEvents(left))
      if (left.length === 0) withoutEvents.push(place.version)
    }
    const change = changeIn(frame, place)
    if (change !== null) {
      const before = change.toString()
      const after = JSON.stringify(redactChange(JSON.parse(before), redaction))
      if (after !== before.trimEnd()) {
        overwrite(frame, { at: place.eventsAt + place.eventsLength, length: place.changeLength }, Buffer.from(after))
        redacted = true
      }
    }
    return redacted
  })
  if (withoutEvents.length > 0) await markWithoutEvents(tx, key, withoutEvents)
}
