import { PACKED_UUID } from './byte-writer.ts'

export type ByteReader = {
  readonly uint: () => number
  readonly int: () => number
  readonly double: () => number
  readonly text: () => string
  readonly id: () => string
  /** The unread bytes as a text of one unit a byte; consumes nothing. */
  readonly rest: () => string
  /** Number of unread bytes. */
  readonly left: () => number
}

const UUID_BYTES = 16

export const createByteReader = (bytes: Uint8Array): ByteReader => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let position = 0
  const uint = (): number => {
    let value = 0
    let factor = 1
    for (;;) {
      if (position >= buffer.length) throw new Error('state ends in the middle of a number')
      const byte = buffer[position++]!
      if (byte < 0x80) return value + byte * factor
      value += (byte - 0x80) * factor
      factor *= 0x80
    }
  }
  const take = (size: number): number => {
    position += size
    if (position > buffer.length) throw new Error('state ends in the middle of a text')
    return position - size
  }
  const textOf = (size: number): string => buffer.toString('utf8', take(size), position)
  return {
    uint,
    int: () => {
      const value = uint()
      return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    },
    double: () => buffer.readDoubleLE(take(8)),
    text: () => textOf(uint()),
    id: () => {
      const size = uint()
      if (size !== PACKED_UUID) return textOf(size)
      const hex = buffer.toString('hex', take(UUID_BYTES), position)
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
    },
    rest: () => buffer.toString('latin1', position),
    left: () => buffer.length - position,
  }
}
