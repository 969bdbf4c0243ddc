import type { KafkaMessage } from 'kafkajs'
import type { DeliveredRecord } from './bus.ts'
import type { Chunk } from './partition-runner.ts'

const NOTHING = Buffer.alloc(0)
const RECORD_OVERHEAD = 100

type View = { message: KafkaMessage }

const decodeHeaders = (headers: KafkaMessage['headers']): Record<string, string> => {
  const decoded: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    const first = Array.isArray(value) ? value[0] : value
    if (first !== undefined) decoded[name] = first.toString()
  }
  return decoded
}

/** Decodes a field when it is read: at hundreds of thousands of records a second, what nobody reads must cost nothing. */
const view: DeliveredRecord & ThisType<View> = {
  get key() {
    return this.message.key?.toString() ?? ''
  },
  get value() {
    return this.message.value ?? NOTHING
  },
  get headers() {
    return decodeHeaders(this.message.headers)
  },
  get offset() {
    return Number(this.message.offset)
  },
  get timestampMs() {
    return Number(this.message.timestamp)
  },
}

/** kafkajs' messages as the port's records: nothing is copied. */
export const toChunk = (messages: readonly KafkaMessage[]): Chunk => {
  const records: DeliveredRecord[] = new Array(messages.length)
  let bytes = 0
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i]!
    const record = Object.create(view) as DeliveredRecord & View
    record.message = message
    records[i] = record
    bytes += (message.key?.length ?? 0) + (message.value?.length ?? 0) + RECORD_OVERHEAD
  }
  return { records, bytes }
}
