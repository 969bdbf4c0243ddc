import { type ReceivedEvent, rawText } from './parse-event.ts'

/**
 * Erasures under an account's id. An event counts only if it happened and was received after the
 * erasure: neither the log read again nor a client that repeats its past restores anything.
 */
export type Erasures = {
  /** Null: the account was never erased. */
  readonly accountAt: number | null
  /** When the user was erased; undefined: never. Null: no user of the account was. */
  readonly userErasedAt: ((userId: string) => number | undefined) | null
  /** Where the erased account ended: an account that begins anew goes on from there. */
  readonly version: number
  readonly sequence: number
}

/** The event without what was erased; null when nothing of it may count. */
export const withoutErased = (event: ReceivedEvent, erasures: Erasures): ReceivedEvent | null => {
  const at = Math.min(event.occurredAt, event.receivedAt)
  if (erasures.accountAt !== null && at <= erasures.accountAt) return null
  const { userErasedAt } = erasures
  if (userErasedAt === null) return event
  return withoutUser(event, (text) => at <= (userErasedAt(text) ?? Number.NEGATIVE_INFINITY))
}

/** Null when the event is theirs or made them champion; else without texts and keys naming them. */
export const withoutUser = (event: ReceivedEvent, isErased: (text: string) => boolean): ReceivedEvent | null => {
  const { properties } = event
  if (event.userId !== null && isErased(event.userId)) return null
  if (event.type === 'Champion Changed' && typeof properties.to === 'string' && isErased(properties.to)) return null
  const kept = withoutTexts(properties, isErased)
  if (kept === properties) return event
  const raw = JSON.stringify({ ...JSON.parse(rawText(event.raw)), properties: kept })
  return { ...event, properties: kept, raw }
}

/** The value without texts and keys that match; the same value when none does. */
export const withoutTexts = <Value>(value: Value, isGone: (text: string) => boolean): Value => {
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  const kept = entries.flatMap(([name, member]): [string, unknown][] =>
    (typeof member === 'string' && isGone(member)) || (!Array.isArray(value) && isGone(name))
      ? []
      : [[name, withoutTexts(member, isGone)]],
  )
  if (
    kept.length === entries.length &&
    kept.every(([name, member]) => member === (value as Record<string, unknown>)[name])
  )
    return value
  return (Array.isArray(value) ? kept.map(([, member]) => member) : Object.fromEntries(kept)) as Value
}
