import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newApiKey } from '#libs/access/keys/api-key.ts'
import { deadTopicOf, TOPICS } from '#libs/contracts/topics.ts'
import { startEmbeddedPostgres } from '#libs/postgres/embedded/embedded-postgres.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { startTestKafka } from '../support/kafka/kafka.ts'
import { type Answer, type Api, createApi } from './api.ts'
import { readRecords, type SampleRecord, writeRecords } from './kafka-records.ts'
import { countEvents } from './operate.ts'
import { createPortfolio } from './portfolio.ts'
import { answersAtRest, type RunningPulso, runPulso } from './running-pulso.ts'

export type KafkaSample = {
  readonly startedAt: number
  readonly recordedAt: number
  readonly records: readonly SampleRecord[]
  readonly answers: Readonly<Record<string, Answer>>
}

const eventText = (id: string, at: string, more: object = {}): string =>
  JSON.stringify({ id, type: 'Feature Used', accountId: 'direct', userId: 'd-1', occurredAt: at, ...more })

/**
 * What a product backend and a broken program write past the door: two events that count, and
 * records that cannot.
 */
const writeDirectly = async (brokers: string, prefix: string, nowMs: number): Promise<void> => {
  const at = new Date(nowMs - 3_600_000).toISOString()
  const record = (topic: string, value: SampleRecord['value'], headers = {}): SampleRecord => ({
    topic,
    partition: 3,
    timestamp: String(nowMs),
    key: 'default:direct',
    value,
    headers,
  })
  const records = [
    record('usage.events', { text: eventText('direct-1', at) }),
    record('usage.events', { text: '{"id": "half' }, { trace: 'not-json' }),
    record('usage.events', { text: eventText('direct-2', 'yesterday') }, { trace: 'no-instant' }),
    record('usage.events', { base64: Buffer.from([0x7b, 0xff, 0xfe]).toString('base64') }, { trace: 'no-utf-8' }),
    record('usage.events', { text: eventText('direct-3', at, { source: 'own', properties: { n: 1 } }) }),
    record('account.health', { text: '{"sequence": 1}' }, { trace: 'no-change' }),
  ]
  await writeRecords(brokers, prefix, records)
}

const DAYS_AGO = [3, 12, 40]

/** What scoring and alerting make of the records, but for what people do: that is in no topic. */
const askWhatRecordsSay = async (api: Api, startedAt: number): Promise<Record<string, Answer>> => {
  const paths = ['/v1/alerts?limit=500']
  for (const accountId of [...new Set(createPortfolio(startedAt).map((event) => event.accountId)), 'direct']) {
    const path = `/v1/accounts/${accountId}`
    const instants = DAYS_AGO.map((daysAgo) => new Date(startedAt - daysAgo * DAY_MS).toISOString())
    paths.push(`${path}/health`, ...instants.map((at) => `${path}/health?at=${at}`))
    paths.push(`${path}/events?limit=500`, `${path}/journey`)
  }
  const answers: Record<string, Answer> = {}
  for (const path of paths) answers[path] = await api.get(path)
  return answers
}

/**
 * Runs the three services of `checkout` on a Kafka and a PostgreSQL of their own, and reads what
 * they leave in the topics.
 */
export const takeKafkaSample = async (checkout: string): Promise<KafkaSample> => {
  const kafka = await startTestKafka()
  if ('unavailable' in kafka) throw new Error(`no Kafka: ${kafka.unavailable}`)
  const dataDir = await mkdtemp(join(tmpdir(), 'pulso-sample-'))
  const postgres = await startEmbeddedPostgres({ dataDir, logger: silentLogger })
  const prefix = `sample-${randomBytes(4).toString('hex')}-`
  const { key } = newApiKey('test')
  const environment = {
    DATABASE_URL: postgres.connectionString,
    KAFKA_BROKERS: kafka.brokers,
    KAFKA_TOPIC_PREFIX: prefix,
    PULSO_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    PULSO_BOOTSTRAP_KEY: key,
  }
  const running: RunningPulso[] = []
  try {
    for (const name of ['ingest', 'scoring', 'alerting'])
      running.push(await runPulso(checkout, `services/${name}/main.ts`, environment))
    const [ingest, scoring, alerting] = running.map(({ address }) => address) as [string, string, string]
    const api = createApi({ ingest, scoring, alerting }, key)
    const startedAt = Date.now()
    await writeDirectly(kafka.brokers, prefix, startedAt)
    await countEvents(api, createPortfolio(startedAt))
    const answers = await answersAtRest(() => askWhatRecordsSay(api, startedAt))
    const recordedAt = Date.now()
    for (const pulso of running) await pulso.stop()
    const topics = Object.keys(TOPICS).flatMap((topic) => [topic, deadTopicOf(topic)])
    return { startedAt, recordedAt, records: await readRecords(kafka.brokers, prefix, topics), answers }
  } finally {
    for (const pulso of running) pulso.kill()
    await postgres.stop()
    await kafka.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}
