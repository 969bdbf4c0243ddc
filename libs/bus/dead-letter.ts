import { RECORD_HEADERS } from '#libs/contracts/record-version.ts'
import type { DeadLetterHeaders } from '#libs/contracts/topics.ts'
import { toInstant } from '#libs/runtime/clock.ts'
import type { BusRecord, DeliveredRecord } from './bus.ts'

/** Header of a record that stands for a batch that could not be read: why. */
export const UNREADABLE_BATCH = 'unreadable-batch'

const LONGEST_REASON = 1_000

/** Secrets in an error's text: credentials in addresses, keys, signing secrets, `password=...`. */
const SECRETS: readonly RegExp[] = [
  /(?<=:\/\/)[^\s/@]*@/g,
  /\b(?:pulso_(?:live|test)|whsec)_\S+/g,
  /(?<=\b(?:password|passwd|secret|token|authorization|api[-_]?key)["']?\s*[=:]\s*)(?:(?:Bearer|Basic)\s+)?\S+/gi,
]

/** `name: message` of an error, short and without secrets, for a log line or a dead letter. */
export const safeReason = (error: unknown): string => {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  const clean = SECRETS.reduce((kept, secret) => kept.replace(secret, '[redacted]'), text)
  return clean.length > LONGEST_REASON ? `${clean.slice(0, LONGEST_REASON)}…` : clean
}

export type Origin = { readonly topic: string; readonly partition: number }

/** The record for `<topic>.dead`: the original, with headers for origin and reason. */
export const toDeadLetter = (origin: Origin, record: DeliveredRecord, reason: string, nowMs: number): BusRecord => {
  const why: DeadLetterHeaders = {
    'dead-reason': reason,
    'dead-topic': origin.topic,
    'dead-partition': String(origin.partition),
    'dead-offset': String(record.offset),
    'dead-at': toInstant(nowMs),
    'dead-timestamp': toInstant(record.timestampMs),
    'dead-version': RECORD_HEADERS.version,
  }
  return { key: record.key, value: record.value, headers: { ...record.headers, ...why } }
}
