import type { RecordSigner } from '#libs/access/record-signer.ts'
import type { Batch, Bus, DeliveredRecord, Subscription } from '#libs/bus/bus.ts'
import { createStoredPositions } from '#libs/bus/stored-positions.ts'
import { type DeadLetterHeaders, deadLetterHeadersSchema, deadTopicOf, type TopicName } from '#libs/contracts/topics.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import { probeTables } from '#libs/postgres/probe-tables.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import { insertDeadLetters, type NewDeadLetter } from './dead-letter-store.ts'

/** The topics that a service of Pulso reads: only a reader dead-letters. */
const TOPICS: readonly TopicName[] = ['usage.events', 'account.health', 'source.activity']
const POSITIONS = 'scoring.dead_letter_position'
const LARGEST_NAME = 256

type Deps = { readonly database: Database; readonly bus: Bus; readonly signer: RecordSigner }

/** Keeps the dead letters of every topic in PostgreSQL, where they can be searched and replayed. */
export const indexDeadLetters = ({ database, bus, signer }: Deps): Promise<readonly Subscription[]> =>
  Promise.all(
    TOPICS.map((of) => {
      const topic = deadTopicOf(of)
      const positions = createStoredPositions({ database, table: POSITIONS, topic })
      return bus.consume({
        group: `dead-letters-${of}`,
        topic,
        handle: (batch) => {
          const reached = [{ partition: batch.partition, next: batch.records.at(-1)!.offset + 1 }]
          return positions.commit(reached, (tx) => index(tx, batch, signer))
        },
        probe: () => probeTables(database, ['scoring.dead_letter', POSITIONS]),
        positions,
      })
    }),
  )

const index = (tx: Sql, { topic, partition, records }: Batch, signer: RecordSigner): Promise<void> =>
  insertDeadLetters(
    tx,
    records.map((record) => toLetter(topic, partition, record, signer)),
  )

const toLetter = (
  deadTopic: string,
  deadPartition: number,
  record: DeliveredRecord,
  signer: RecordSigner,
): NewDeadLetter => {
  const { key, value } = record
  const why = readHeaders(record, deadTopic)
  const separator = key.indexOf(':')
  const accountId = key.slice(separator + 1)
  const original = Object.fromEntries(
    Object.entries(record.headers)
      .filter(([name]) => !Object.hasOwn(deadLetterHeadersSchema.shape, name))
      .map(([name, text]) => [clean(name), clean(text)]),
  )
  const namesAccount = separator > 0 && accountId.length <= LARGEST_NAME && !key.includes('\0')
  return {
    id: derivedId('dead letter', deadTopic, deadPartition, record.offset, why['dead-at']),
    tenantId: namesAccount ? key.slice(0, separator) : null,
    accountId: namesAccount ? accountId : null,
    topic: why['dead-topic'],
    partition: Number(why['dead-partition']),
    offset: Number(why['dead-offset']),
    key: clean(key),
    headers: namesAccount ? withReceivedAt(original, why, key.slice(0, separator), signer) : original,
    // The bytes may be freed when the batch has settled.
    value: Buffer.from(value),
    reason: clean(why['dead-reason']),
    at: Date.parse(why['dead-at']) || record.timestampMs,
  }
}

type Headers = Readonly<Record<string, string>>

/**
 * Signs when the log took an event in, where ingest did not: `receivedAt` stays the same however
 * late the letter is replayed.
 */
const withReceivedAt = (original: Headers, why: DeadLetterHeaders, tenantId: string, signer: RecordSigner): Headers => {
  const { kind = 'event' } = original
  const at = Date.parse(why['dead-timestamp'] ?? why['dead-at'])
  if (why['dead-topic'] !== 'usage.events' || kind !== 'event' || Number.isNaN(at)) return original
  return signer.verify('event', tenantId, original) ? original : { ...original, ...signer.sign('event', tenantId, at) }
}

/** PostgreSQL stores no NUL in a text. */
const clean = (text: string): string => text.replaceAll('\0', '\ufffd')

/** Headers of a letter that somebody else put there may be missing. */
const readHeaders = ({ headers, offset, timestampMs }: DeliveredRecord, deadTopic: string): DeadLetterHeaders => {
  const parsed = deadLetterHeadersSchema.safeParse(headers)
  if (
    parsed.success &&
    /^\d{1,15}$/.test(parsed.data['dead-offset']) &&
    /^\d{1,9}$/.test(parsed.data['dead-partition'])
  )
    return parsed.data
  return {
    'dead-reason': headers['dead-reason'] ?? 'unknown',
    'dead-topic': deadTopic.replace(/\.dead$/, ''),
    'dead-partition': '0',
    'dead-offset': String(offset),
    'dead-at': new Date(timestampMs).toISOString(),
  }
}
