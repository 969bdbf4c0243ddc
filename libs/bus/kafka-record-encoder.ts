export type WireMessage = {
  readonly key?: string | Buffer | null
  readonly value: string | Buffer | null
  readonly headers?: Readonly<Record<string, string | Buffer | readonly (string | Buffer)[]>>
  readonly offsetDelta?: number
  readonly timestampDelta?: number
}

const SLAB_BYTES = 256 * 1024
let slab = Buffer.alloc(0)
let at = 0

const ensure = (bytes: number): void => {
  if (at + bytes <= slab.length) return
  slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes))
  at = 0
}

/** Zigzag, then base 128, low bits first: of any whole number of 53 bits. */
const putVarint = (value: number): void => {
  let rest = value < 0 ? -2 * value - 1 : 2 * value
  while (rest >= 0x80) {
    slab[at++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  slab[at++] = rest
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
  if (typeof bytes === 'string') slab.write(bytes, at)
  else slab.set(bytes!, at)
  at += length
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

/** The record's bytes, as kafkajs' encoders carry them: `buf` and `buffer`. */
export const encodeRecord = (message: WireMessage): { readonly buf: Buffer; readonly buffer: Buffer } => {
  const { key, value, offsetDelta = 0, timestampDelta = 0 } = message
  const headers = listHeaders(message.headers)
  const keyLength = lengthOf(key)
  const valueLength = lengthOf(value)
  let size = 1 + sizeOfVarint(timestampDelta) + sizeOfVarint(offsetDelta) + sizeOf(keyLength) + sizeOf(valueLength)
  size += sizeOfVarint(headers.length)
  for (const [name, one] of headers) size += sizeOf(lengthOf(name)) + sizeOf(lengthOf(one))
  ensure(size + sizeOfVarint(size))
  const start = at
  putVarint(size)
  slab[at++] = 0
  putVarint(timestampDelta)
  putVarint(offsetDelta)
  putBytes(key, keyLength)
  putBytes(value, valueLength)
  putVarint(headers.length)
  for (const [name, one] of headers) {
    putBytes(name, lengthOf(name))
    putBytes(one, lengthOf(one))
  }
  const buf = slab.subarray(start, at)
  return { buf, buffer: buf }
}
