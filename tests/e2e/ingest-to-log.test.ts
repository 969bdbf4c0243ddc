import { describe, expect, it } from 'vitest'
import { type EventRecord, eventRecordSchema } from '#libs/contracts/usage-event.ts'
import { newId } from '#libs/runtime/ids.ts'
import { type BusAddress, openTestBus } from '../support/bus/test-bus.ts'
import { eventually } from '../support/eventually.ts'
import { type AnswerBody, sendEvents, startIngest } from '../support/ingest/ingest-server.ts'
import { describeWithKafka } from '../support/kafka/kafka-suite.ts'
import { createTestDatabase } from '../support/postgres/postgres.ts'

const occurredAt = new Date().toISOString()
const batchOf = (first: number): string =>
  JSON.stringify({
    events: Array.from({ length: 100 }, (_, index) => ({
      id: `e${first + index}`,
      type: 'Feature Used',
      accountId: `account-${(first + index) % 7}`,
      occurredAt,
      properties: { text: 'Ελληνικά 😀 \u2028' },
    })),
  })

/** Sends 2,000 events over 20 concurrent requests and reads the log back. */
const expectAllOn = async (address: BusAddress): Promise<void> => {
  const { bus, close } = await openTestBus(address)
  await bus.ensureTopics(['usage.events'])
  const { app, base } = await startIngest(bus)
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => sendEvents(base, batchOf(index * 100))))
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 202))
  const accepted = answers.flatMap(({ body }) => (body as AnswerBody).results.map(({ id }) => id))

  // Each record is delivered at least once: a repetition is no mistake, so they are kept by id.
  const read = new Map<string, { key: string; kind: string | undefined; event: EventRecord }>()
  const subscription = await bus.consume({
    group: newId(),
    topic: 'usage.events',
    handle: async ({ records }) => {
      for (const { key, headers, value } of records) {
        const event = eventRecordSchema.parse(JSON.parse(value.toString('utf8')))
        read.set(event.id, { key, kind: headers.kind, event })
      }
    },
  })
  await eventually('every accepted event is read', () => read.size >= 2_000, 40_000)
  await subscription.stop()
  await app.close()
  await close()

  expect([...read.keys()].sort()).toEqual(accepted.sort())
  for (const { key, kind, event } of read.values())
    expect([key, kind]).toEqual([`tenant-a:${event.accountId}`, 'event'])
  expect(read.get('e0')?.event.properties).toEqual({ text: 'Ελληνικά 😀 \u2028' })
}

describe('what ingest answered with 202 is in the log, under its account’s key', () => {
  it('in PostgreSQL', async () => {
    const { connectionString, drop } = await createTestDatabase()
    await expectAllOn({ kind: 'postgres', connectionString })
    await drop()
  })
})

await describeWithKafka('what ingest answered with 202 is in the log, under its account’s key', (brokers) => {
  it('on Kafka', () => expectAllOn({ kind: 'kafka', brokers, topicPrefix: `${newId()}.` }))
})
