/** Compact binary writer and reader: LEB128 for whole numbers, length-prefixed UTF-8, doubles as they are. */
export type ByteWriter = {
  /** A whole number of 0 or more. */
  readonly uint: (value: number) => void
  /** Any whole number; small ones of either sign are short. */
  readonly int: (value: number) => void
  readonly double: (value: number) => void
  readonly text: (value: string) => void
  /** A copy of what was written, and an empty writer again. */
  readonly take: () => Buffer
}

const INITIAL_BYTES = 4_096
/** Room a number may need; text asks for its own. */
const NUMBER_BYTES = 16

export const createByteWriter = (): ByteWriter => {
  let buffer = Buffer.allocUnsafe(INITIAL_BYTES)
  let length = 0
  const ensure = (bytes: number): void => {
    if (length + bytes <= buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, length + bytes))
    buffer.copy(larger, 0, 0, length)
    buffer = larger
  }
  const uint = (value: number): void => {
    ensure(NUMBER_BYTES)
    let rest = value
    while (rest >= 0x80) {
      buffer[length++] = (rest % 0x80) + 0x80
      rest = Math.floor(rest / 0x80)
    }
    buffer[length++] = rest
  }
  return {
    uint,
    int: (value) => uint(value < 0 ? -2 * value - 1 : 2 * value),
    double: (value) => {
      ensure(NUMBER_BYTES)
      length = buffer.writeDoubleLE(value, length)
    },
    text: (value) => {
      const size = Buffer.byteLength(value)
      uint(size)
      ensure(size)
      length += buffer.write(value, length)
    },
    take: () => {
      const copy = Buffer.from(buffer.subarray(0, length))
      length = 0
      return copy
    },
  }
}

export type ByteReader = {
  readonly uint: () => number
  readonly int: () => number
  readonly double: () => number
  readonly text: () => string
  readonly atEnd: () => boolean
}

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
  return {
    uint,
    int: () => {
      const value = uint()
      return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    },
    double: () => {
      position += 8
      return buffer.readDoubleLE(position - 8)
    },
    text: () => {
      const size = uint()
      position += size
      if (position > buffer.length) throw new Error('state ends in the middle of a text')
      return buffer.toString('utf8', position - size, position)
    },
    atEnd: () => position === buffer.length,
  }
}
