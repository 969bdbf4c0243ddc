import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import kafkajs, { type KafkaMessage } from 'kafkajs'
import { TOPICS, type TopicName } from '#libs/contracts/topics.ts'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs

/** A record of a topic as text, or as base64 where its value is no UTF-8. */
export type SampleRecord = {
  readonly topic: string
  readonly partition: number
  readonly timestamp: string
  readonly key: string | null
  readonly value: { readonly text: string } | { readonly base64: string }
  readonly headers: Readonly<Record<string, string>>
}

export const bytesOf = ({ value }: Pick<SampleRecord, 'value'>): Buffer =>
  'text' in value ? Buffer.from(value.text) : Buffer.from(value.base64, 'base64')

const toValue = (bytes: Buffer): SampleRecord['value'] => {
  const text = bytes.toString()
  return Buffer.from(text).equals(bytes) ? { text } : { base64: bytes.toString('base64') }
}

const recordOf = (topic: string, partition: number, message: KafkaMessage): SampleRecord => ({
  topic,
  partition,
  timestamp: message.timestamp,
  key: message.key?.toString() ?? null,
  value: toValue(message.value ?? Buffer.alloc(0)),
  headers: Object.fromEntries(Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)])),
})

export const createClient = (brokers: string) =>
  new Kafka({ brokers: brokers.split(','), clientId: 'former-data', logLevel: logLevel.NOTHING })

/**
 * Every record of these topics, by partition in order. For a process that has not loaded Pulso's
 * own bus, which changes kafkajs.
 */
export const readRecords = async (
  brokers: string,
  prefix: string,
  topics: readonly string[],
): Promise<SampleRecord[]> => {
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async ({ buffer }: { buffer: Buffer }) => zstdCompressSync(buffer),
    decompress: async (buffer: Buffer) => zstdDecompressSync(buffer),
  })
  const client = createClient(brokers)
  const admin = client.admin()
  await admin.connect()
  const names = topics.map((topic) => prefix + topic)
  const ends = new Map<string, number>()
  for (const topic of names)
    for (const { partition, high } of await admin.fetchTopicOffsets(topic))
      if (Number(high) > 0) ends.set(`${topic} ${partition}`, Number(high))
  await admin.disconnect()
  const records: SampleRecord[] = []
  const consumer = client.consumer({ groupId: `${prefix}sample-reader` })
  await consumer.connect()
  await consumer.subscribe({ topics: names, fromBeginning: true })
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachMessage: async ({ topic, partition, message }) => {
        records.push(recordOf(topic.slice(prefix.length), partition, message))
        if (Number(message.offset) + 1 >= ends.get(`${topic} ${partition}`)!) ends.delete(`${topic} ${partition}`)
        if (ends.size === 0) resolve()
      },
    })
  })
  await consumer.disconnect()
  return records
}

/**
 * Writes records as another producer would, each to its partition; topics that are missing are made
 * as the contracts say.
 */
export const writeRecords = async (
  brokers: string,
  prefix: string,
  records: readonly SampleRecord[],
): Promise<void> => {
  const client = createClient(brokers)
  const admin = client.admin()
  await admin.connect()
  const topics = [...new Set(records.map(({ topic }) => topic))]
  await admin.createTopics({
    waitForLeaders: true,
    topics: topics.map((topic) => ({
      topic: prefix + topic,
      numPartitions: TOPICS[topic as TopicName]?.partitions ?? 1,
    })),
  })
  await admin.disconnect()
  const producer = client.producer()
  await producer.connect()
  for (const topic of topics)
    await producer.send({
      topic: prefix + topic,
      messages: records
        .filter((record) => record.topic === topic)
        .map((record) => ({ ...record, value: bytesOf(record), headers: { ...record.headers } })),
    })
  await producer.disconnect()
}
