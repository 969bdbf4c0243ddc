import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'

import kafkajs, { type Kafka as KafkaClient, type SASLOptions } from 'kafkajs'
// @ts-expect-error it is published without types
import snappy from 'kafkajs-snappy'
import type { Logger } from '#libs/runtime/logger.ts'
import { kafkaLog } from './kafka-log.ts'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs
const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** The fastest level: it takes a fraction of the default's time and gives up little size on JSON. */
const ZSTD_OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

CompressionCodecs[CompressionTypes.Snappy] = snappy
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: (encoder: { readonly buffer: Buffer }) => compress(encoder.buffer, ZSTD_OPTIONS),
  decompress: (buffer: Buffer) => decompress(buffer),
})

export type KafkaConnection = {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly ssl?: boolean
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
    readonly username: string
    readonly password: string
  }
}

/** Few and short retries inside kafkajs: whoever calls it tries again by its own rules and for as long as it means to. */
const RETRY = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 3 }

export const createKafkaClient = (
  connection: KafkaConnection,
  logger: Logger,
  onOffsetOutOfRange: () => void,
): KafkaClient =>
  new Kafka({
    brokers: [...connection.brokers],
    clientId: connection.clientId,
    ...(connection.ssl ? { ssl: true } : {}),
    ...(connection.sasl ? { sasl: connection.sasl as SASLOptions } : {}),
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    retry: RETRY,
    logLevel: logLevel.INFO,
    logCreator: kafkaLog(logger, onOffsetOutOfRange),
  })
