/** Compact binary writer: LEB128 for whole numbers, length-prefixed UTF-8, doubles as they are. */
export type ByteWriter = {
  /** A whole number of 0 or more. */
  readonly uint: (value: number) => void
  /** Any whole number; small ones of either sign are short. */
  readonly int: (value: number) => void
  readonly double: (value: number) => void
  readonly text: (value: string) => void
  /** A text that is not empty, in 17 bytes where it is a lower-case UUID. */
  readonly id: (value: string) => void
  /** A text whose units are bytes, as they are. */
  readonly latin1: (value: string) => void
  /** A copy of what was written, and an empty writer again. */
  readonly take: () => Buffer
  /** As `take`, in a text of one unit a byte. */
  readonly takeLatin1: () => string
}

const INITIAL_BYTES = 4_096
/** Room that anything but a long text needs. */
const SMALL_BYTES = 136
/** Texts up to this length have a length of one byte, and are written faster than a call takes. */
const SHORT_TEXT = 64

export const UUID_LENGTH = 36
/** Length 0 announces a packed UUID: an id is never empty. */
export const PACKED_UUID = 0
const isHyphenPlace = (index: number): boolean => index === 8 || index === 13 || index === 18 || index === 23

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
    ensure(SMALL_BYTES)
    let rest = value
    while (rest >= 0x80) {
      buffer[length++] = (rest % 0x80) + 0x80
      rest = Math.floor(rest / 0x80)
    }
    buffer[length++] = rest
  }
  /** False where a unit is not ASCII: then nothing is written. */
  const writeAscii = (value: string): boolean => {
    ensure(SMALL_BYTES)
    const start = length
    buffer[length++] = value.length
    for (let index = 0; index < value.length; index += 1) {
      const code = value.charCodeAt(index)
      if (code >= 0x80) {
        length = start
        return false
      }
      buffer[length++] = code
    }
    return true
  }
  const text = (value: string): void => {
    if (value.length <= SHORT_TEXT && writeAscii(value)) return
    const size = Buffer.byteLength(value)
    uint(size)
    ensure(size)
    length += buffer.write(value, length)
  }
  const writeUuid = (value: string): boolean => {
    ensure(SMALL_BYTES)
    const start = length
    buffer[length++] = PACKED_UUID
    let high = -1
    for (let index = 0; index < UUID_LENGTH; index += 1) {
      const code = value.charCodeAt(index)
      const hyphen = isHyphenPlace(index)
      const digit = code >= 48 && code <= 57 ? code - 48 : code >= 97 && code <= 102 ? code - 87 : -1
      if (hyphen ? code !== 45 : digit < 0) {
        length = start
        return false
      }
      if (hyphen) continue
      if (high < 0) high = digit
      else {
        buffer[length++] = high * 16 + digit
        high = -1
      }
    }
    return true
  }
  return {
    uint,
    int: (value) => uint(value < 0 ? -2 * value - 1 : 2 * value),
    double: (value) => {
      ensure(SMALL_BYTES)
      length = buffer.writeDoubleLE(value, length)
    },
    text,
    id: (value) => {
      if (value.length !== UUID_LENGTH || !writeUuid(value)) text(value)
    },
    latin1: (value) => {
      ensure(value.length)
      length += buffer.write(value, length, 'latin1')
    },
    take: () => {
      const copy = Buffer.from(buffer.subarray(0, length))
      length = 0
      return copy
    },
    takeLatin1: () => {
      const text = buffer.toString('latin1', 0, length)
      length = 0
      return text
    },
  }
}
