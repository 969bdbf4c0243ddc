import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { newApiKey } from '#libs/access/keys/api-key.ts'
import { createApp, type Definition } from '#libs/app/app.ts'
import { deadTopicOf, type TopicName } from '#libs/contracts/topics.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { alerting } from '../../services/alerting/service.ts'
import { scoring } from '../../services/scoring/service.ts'
import { createApi } from '../former-data/api.ts'
import { bytesOf, type SampleRecord, writeRecords } from '../former-data/kafka-records.ts'
import { readKafkaSample } from '../former-data/open-sample.ts'
import { askAgain, withoutNow, withoutReceivedAt, withoutSequence } from '../former-data/questions.ts'
import { openTestBus } from '../support/bus/test-bus.ts'
import { eventually } from '../support/eventually.ts'
import { describeWithKafka } from '../support/kafka/kafka-suite.ts'
import { createTestDatabase } from '../support/postgres/postgres.ts'
import { createWarpedClock } from '../support/processes/warped-clock.ts'

const sample = await readKafkaSample()

const recordsOf = (...topics: readonly TopicName[]): SampleRecord[] =>
  sample.records.filter(({ topic }) => topics.includes(topic as TopicName))

/**
 * A service of the present alone on a log that holds these records, by a clock that goes on where
 * the sample was taken.
 */
const startOn = async (brokers: string, definition: Definition, records: readonly SampleRecord[]) => {
  const { connectionString, drop } = await createTestDatabase()
  onTestFinished(drop)
  const topicPrefix = `former-${randomBytes(4).toString('hex')}-`
  await writeRecords(brokers, topicPrefix, records)
  const { key } = newApiKey('test')
  const app = createApp({
    definitions: [definition],
    environment: {
      PORT: '0',
      DATABASE_URL: connectionString,
      KAFKA_BROKERS: brokers,
      KAFKA_TOPIC_PREFIX: topicPrefix,
      PULSO_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
      PULSO_BOOTSTRAP_KEY: key,
    },
    clock: createWarpedClock(sample.recordedAt),
    logger: silentLogger,
  })
  onTestFinished(app.stop)
  const { address } = await app.start()
  return { topicPrefix, api: createApi({ ingest: address, scoring: address, alerting: address }, key) }
}

/** What is asked for, as soon as it is what is wanted; else what it is in the end. */
const settled = async <Result>(ask: () => Promise<Result>, wanted: Result): Promise<Result> => {
  let asked = await ask()
  await eventually(
    'it is what is wanted',
    async () => {
      asked = await ask()
      return isDeepStrictEqual(asked, wanted)
    },
    30_000,
  ).catch(() => {})
  return asked
}

await describeWithKafka('topics that the version before wrote', (brokers) => {
  it('are scored from their first record to the scores of that version', async () => {
    const { api } = await startOn(brokers, scoring, recordsOf('usage.events'))
    const { '/v1/alerts?limit=500': _, ...recorded } = sample.answers
    const comparable = (answers: typeof recorded) => withoutReceivedAt(withoutSequence(withoutNow(answers)))
    const wanted = comparable(recorded)
    expect(await settled(async () => comparable(await askAgain(api, recorded)), wanted)).toEqual(wanted)
  })

  it('have the same dead letters', async () => {
    const { topicPrefix } = await startOn(brokers, scoring, recordsOf('usage.events'))
    const topic = deadTopicOf('usage.events') as TopicName
    const { bus, close } = await openTestBus({ kind: 'kafka', brokers, topicPrefix })
    onTestFinished(close)
    const wanted = recordsOf(topic).map((record) => ({
      trace: record.headers.trace,
      key: record.key,
      value: bytesOf(record),
    }))
    expect(wanted).toHaveLength(3)
    const dead: typeof wanted = []
    await bus.consume({
      group: 'dead-reader',
      topic,
      handle: async ({ records }) => {
        for (const { headers, key, value } of records)
          dead.push({ trace: headers.trace, key, value: Buffer.from(value) })
      },
    })
    expect(await settled(async () => dead, wanted)).toEqual(wanted)
  })

  it('make the alerts of that version', async () => {
    const { api } = await startOn(brokers, alerting, recordsOf('account.health', 'source.activity'))
    const path = '/v1/alerts?limit=500'
    const wanted = sample.answers[path]!
    expect((wanted.body as { items: object[] }).items.length).toBeGreaterThan(10)
    expect(await settled(() => api.get(path), wanted)).toEqual(wanted)
  })
})
