import { createGrowingBytes, type GrowingBytes } from '#libs/bytes/growing-bytes.ts'

/** An element type's number in PostgreSQL, and the bytes of a value where they are fixed. */
const TYPES = {
  int2: { oid: 21, bytes: 2 },
  int4: { oid: 23, bytes: 4 },
  int8: { oid: 20, bytes: 8 },
  float8: { oid: 701, bytes: 8 },
  text: { oid: 25, bytes: 0 },
} as const
type Numeric = Exclude<keyof typeof TYPES, 'text'>

/** Header: dimensions, null flag, element type; then size and lower bound of the one dimension. */
const HEADER_BYTES = 20
const EMPTY_BYTES = 12
const LENGTH_BYTES = 4
const INITIAL_BYTES = 512
const KEPT_BYTES = 256 * 1024
const NULL_LENGTH = -1
const TWO_TO_32 = 2 ** 32
/** Up to this length, writing character by character beats a call into the runtime. */
const SHORT_TEXT = 48

/**
 * A column of many rows as an array in PostgreSQL's binary form (array_recv), for
 * `unnest($1::int8[])`. Text would keep each value as an object until they are joined.
 * `bytes` is valid until the next `push` or `clear`.
 * https://www.postgresql.org/docs/current/protocol-overview.html#PROTOCOL-FORMAT-CODES
 */
export type ArrayColumn<Value> = {
  readonly push: (value: Value | null) => void
  readonly bytes: () => Buffer
  readonly clear: () => void
}

type Sink = Pick<ArrayColumn<never>, 'bytes' | 'clear'> & {
  readonly all: GrowingBytes
  /** Begins a value of `length` bytes; -1 for null. */
  readonly begin: (length: number) => void
}

const createSink = (oid: number): Sink => {
  const all = createGrowingBytes(INITIAL_BYTES, KEPT_BYTES)
  all.length = HEADER_BYTES
  let count = 0
  let nulls = 0
  return {
    all,
    begin: (length) => {
      count++
      if (length === NULL_LENGTH) nulls = 1
      putInt4(all.ensure(LENGTH_BYTES), all.length, length)
      all.length += LENGTH_BYTES
    },
    bytes: () => {
      const dimensions = count === 0 ? 0 : 1
      for (const [place, word] of [dimensions, nulls, oid, count, 1].entries()) putInt4(all.buffer, place * 4, word)
      return all.buffer.subarray(0, count === 0 ? EMPTY_BYTES : all.length)
    },
    clear: () => {
      all.clear()
      all.length = HEADER_BYTES
      count = 0
      nulls = 0
    },
  }
}

const putInt4 = (buffer: Buffer, at: number, value: number): void => {
  buffer[at] = value >>> 24
  buffer[at + 1] = value >>> 16
  buffer[at + 2] = value >>> 8
  buffer[at + 3] = value
}

const PUT: Readonly<Record<Numeric, (buffer: Buffer, at: number, value: number) => void>> = {
  int2: (buffer, at, value) => {
    buffer[at] = value >>> 8
    buffer[at + 1] = value
  },
  int4: putInt4,
  // Whole numbers of 53 bits.
  int8: (buffer, at, value) => {
    putInt4(buffer, at, Math.floor(value / TWO_TO_32))
    putInt4(buffer, at + 4, value)
  },
  float8: (buffer, at, value) => {
    buffer.writeDoubleBE(value, at)
  },
}

export const createNumberColumn = (type: Numeric): ArrayColumn<number> => {
  const { oid, bytes } = TYPES[type]
  const put = PUT[type]
  const sink = createSink(oid)
  const all = sink.all
  return {
    push: (value) => {
      if (value === null) return sink.begin(NULL_LENGTH)
      sink.begin(bytes)
      put(all.ensure(bytes), all.length, value)
      all.length += bytes
    },
    bytes: sink.bytes,
    clear: sink.clear,
  }
}

export const createTextColumn = (): ArrayColumn<string> => {
  const sink = createSink(TYPES.text.oid)
  const all = sink.all
  return {
    push: (value) => {
      if (value === null) return sink.begin(NULL_LENGTH)
      sink.begin(0)
      // UTF-8 has at most three bytes per UTF-16 unit.
      const buffer = all.ensure(3 * value.length)
      const length = isShortAscii(value) ? putAscii(buffer, all.length, value) : buffer.write(value, all.length)
      putInt4(buffer, all.length - LENGTH_BYTES, length)
      all.length += length
    },
    bytes: sink.bytes,
    clear: sink.clear,
  }
}

const isShortAscii = (value: string): boolean => {
  if (value.length > SHORT_TEXT) return false
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) >= 0x80) return false
  return true
}

const putAscii = (buffer: Buffer, at: number, value: string): number => {
  for (let i = 0; i < value.length; i++) buffer[at + i] = value.charCodeAt(i)
  return value.length
}
