import { createGrowingBytes } from '#libs/bytes/growing-bytes.ts'

export type WireMessage = {
  readonly key?: string | Buffer | null
  readonly value: string | Buffer | null
  readonly headers?: Readonly<Record<string, string | Buffer | readonly (string | Buffer)[]>>
  readonly offsetDelta?: number
  readonly timestampDelta?: number
}

const INITIAL_BYTES = 64 * 1024
const KEPT_BYTES = 4 * 1024 * 1024

/** Encoded records that no batch holds yet. kafkajs makes a batch of them without awaiting. */
export const encoded = createGrowingBytes(INITIAL_BYTES, KEPT_BYTES)

/** Zigzag, then base 128, low bits first, of a whole number of 53 bits. */
const putVarint = (value: number): void => {
  const { buffer } = encoded
  let rest = value < 0 ? -2 * value - 1 : 2 * value
  while (rest >= 0x80) {
    buffer[encoded.length++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  buffer[encoded.length++] = rest
}
const sizeOfVarint = (value: number): number => {
  let rest = value < 0 ? -2 * value - 1 : 2 * value
  let size = 1
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++
  return size
}

type Bytes = string | Buffer | null | undefined
const lengthOf = (bytes: Bytes): number =>
  bytes === null || bytes === undefined ? -1 : typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length
const sizeOf = (length: number): number => sizeOfVarint(length) + Math.max(0, length)
const putBytes = (bytes: Bytes, length: number): void => {
  putVarint(length)
  if (length <= 0) return
  if (typeof bytes === 'string') encoded.buffer.write(bytes, encoded.length)
  else encoded.buffer.set(bytes!, encoded.length)
  encoded.length += length
}

const NO_HEADERS: readonly [string, Bytes][] = []
const listHeaders = (headers: WireMessage['headers']): readonly [string, Bytes][] => {
  let list: [string, Bytes][] | undefined
  for (const name in headers) {
    list ??= []
    const value = headers[name]!
    if (Array.isArray(value)) for (const one of value) list.push([name, one])
    else list.push([name, value as Bytes])
  }
  return list ?? NO_HEADERS
}

/** Records of one writer share one object: it is encoded once, as the next is the same mostly. */
let lastHeaders: WireMessage['headers']
let lastBytes = Buffer.from([0])
const encodeHeaders = (headers: WireMessage['headers']): Buffer => {
  if (headers === lastHeaders) return lastBytes
  const list = listHeaders(headers)
  let size = sizeOfVarint(list.length)
  for (const [name, one] of list) size += sizeOf(lengthOf(name)) + sizeOf(lengthOf(one))
  encoded.ensure(size)
  const from = encoded.length
  putVarint(list.length)
  for (const [name, one] of list) {
    putBytes(name, lengthOf(name))
    putBytes(one, lengthOf(one))
  }
  lastBytes = Buffer.from(encoded.buffer.subarray(from, encoded.length))
  encoded.length = from
  lastHeaders = headers
  return lastBytes
}

/** Place of a record among the encoded ones. */
export type EncodedRecord = { readonly from: number; readonly to: number }

/** Appends a record (https://kafka.apache.org/documentation/#record) to the encoded ones. */
export const encodeRecord = (message: WireMessage): EncodedRecord => {
  const { key, value, offsetDelta = 0, timestampDelta = 0 } = message
  const headers = encodeHeaders(message.headers)
  const keyLength = lengthOf(key)
  const valueLength = lengthOf(value)
  let size = 1 + sizeOfVarint(timestampDelta) + sizeOfVarint(offsetDelta) + sizeOf(keyLength) + sizeOf(valueLength)
  size += headers.length
  encoded.ensure(size + sizeOfVarint(size))
  const from = encoded.length
  putVarint(size)
  encoded.buffer[encoded.length++] = 0
  putVarint(timestampDelta)
  putVarint(offsetDelta)
  putBytes(key, keyLength)
  putBytes(value, valueLength)
  encoded.buffer.set(headers, encoded.length)
  encoded.length += headers.length
  return { from, to: encoded.length }
}
