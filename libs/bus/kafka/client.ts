import kafkajs, { type Kafka as KafkaClient, type SASLOptions } from 'kafkajs'
// @ts-expect-error it is published without types
import snappy from 'kafkajs-snappy'
import { packZstd, unpackZstd } from '#libs/bytes/zstd.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { kafkaLog } from './log.ts'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs

CompressionCodecs[CompressionTypes.Snappy] = snappy
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async ({ buffer }: { readonly buffer: Buffer }) => packZstd(buffer),
  decompress: async (buffer: Buffer) => unpackZstd(buffer),
})

export type KafkaConnection = {
  readonly brokers: readonly string[]
  readonly clientId: string
  /** `ca`: PEM certificates that are trusted instead of the public ones. */
  readonly ssl?: boolean | { readonly ca: string }
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
    readonly username: string
    readonly password: string
  }
}

/** Few and short retries inside kafkajs: its callers retry by their own rules. */
const RETRY = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 3 }

export const createKafkaClient = (
  connection: KafkaConnection,
  logger: Logger,
  onOffsetOutOfRange: () => void,
): KafkaClient =>
  new Kafka({
    brokers: [...connection.brokers],
    clientId: connection.clientId,
    ...(connection.ssl ? { ssl: connection.ssl } : {}),
    ...(connection.sasl ? { sasl: connection.sasl as SASLOptions } : {}),
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    retry: RETRY,
    logLevel: logLevel.INFO,
    logCreator: kafkaLog(logger, onOffsetOutOfRange),
  })
