import kafkajs, { type Kafka, type Producer } from 'kafkajs'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import type { Bus, BusRecord } from '../bus.ts'
import type { BusMetrics } from '../bus-metrics.ts'
import { createPublishBatcher } from '../publish-batcher.ts'
import { isPassing, toBusError } from './errors.ts'

const { CompressionTypes, Partitioners } = kafkajs

export type Compression = 'none' | 'snappy' | 'zstd'
const CODECS = { none: CompressionTypes.None, snappy: CompressionTypes.Snappy, zstd: CompressionTypes.ZSTD } as const

/**
 * One send in flight stores 148,000 events/s of 250 bytes, eight smaller sends at once 121,000
 * (on 2 cores beside the broker). One send keeps the order of a key, whatever fails.
 */
const BATCHING = { lingerMs: 3, maxRecords: 2_000, maxBytes: 900_000, maxWaitingBytes: 64 * 1024 * 1024 }
/** Added partitions are noticed within this time. */
const METADATA_AGE_MS = 60_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1_000

export type KafkaPublisherOptions = {
  readonly kafka: Kafka
  readonly clock: Clock
  readonly metrics: BusMetrics
  readonly compression: Compression
  readonly publishTimeoutMs: number
  readonly nameOf: (topic: string) => string
}

export type KafkaPublisher = {
  readonly start: () => Promise<void>
  /** Waits for the sends in flight. */
  readonly stop: () => Promise<void>
  readonly publish: Bus['publish']
}

/** One producer; the sends of a topic follow each other. */
export const createKafkaPublisher = (options: KafkaPublisherOptions): KafkaPublisher => {
  const { kafka, clock, metrics } = options
  const compression = CODECS[options.compression]
  // kafkajs' idempotent producer can acknowledge a record that it never stored, and its retries can
  // skip records. So the whole send is repeated here; readers drop repetitions.
  const createProducer = (): Producer =>
    kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
      metadataMaxAge: METADATA_AGE_MS,
      idempotent: false,
      retry: { retries: 0 },
    })
  let producer: Promise<Producer> | undefined

  const connect = async (): Promise<Producer> => {
    const made = createProducer()
    await made.connect()
    return made
  }

  /** A failed producer is not used again: after losing all brokers it may never find one. */
  const dropProducer = async (): Promise<void> => {
    const dropped = producer
    producer = undefined
    await dropped?.then((made) => made.disconnect()).catch(() => undefined)
  }

  const send = async (topic: string, records: readonly BusRecord[], sinceMs: number): Promise<void> => {
    const request = { topic: options.nameOf(topic), messages: [...records], acks: -1, compression }
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        producer ??= connect()
        return void (await (await producer).send(request))
      } catch (error) {
        await dropProducer()
        const late = clock.now() + pauseMs - sinceMs > options.publishTimeoutMs
        if (late || !isPassing(error)) throw toBusError(error, `publishing to ${topic}`)
        await sleep(clock, pauseMs)
      }
    }
  }

  const batcher = createPublishBatcher({ ...BATCHING, clock, send })

  return {
    start: async () => {
      producer ??= connect()
      await producer.catch(async (error: unknown) => {
        await dropProducer()
        throw toBusError(error, 'connecting')
      })
    },
    stop: async () => {
      await batcher.drained()
      await dropProducer()
    },
    publish: async (topic, records) => {
      const startedAt = clock.now()
      await batcher.publish(topic, records)
      metrics.published.inc({ topic }, records.length)
      metrics.publishSeconds.observe({ topic }, (clock.now() - startedAt) / 1_000)
    },
  }
}
