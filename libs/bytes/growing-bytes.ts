/** Bytes appended to a growing buffer. A writer calls `ensure` first and then advances `length`. */
export type GrowingBytes = {
  buffer: Buffer
  length: number
  /** Answers a buffer with room for so many more bytes at `length`. */
  readonly ensure: (bytes: number) => Buffer
  /** The bytes written; valid until the next `ensure` or `clear`. */
  readonly written: () => Buffer
  /** Removes all bytes. Keeps the memory, up to `keptBytes`. */
  readonly clear: () => void
}

export const createGrowingBytes = (initialBytes: number, keptBytes: number): GrowingBytes => {
  const bytes: GrowingBytes = {
    buffer: Buffer.allocUnsafeSlow(initialBytes),
    length: 0,
    ensure: (more) => {
      if (bytes.length + more <= bytes.buffer.length) return bytes.buffer
      const larger = Buffer.allocUnsafeSlow(2 * (bytes.length + more))
      bytes.buffer.copy(larger, 0, 0, bytes.length)
      bytes.buffer = larger
      return larger
    },
    written: () => bytes.buffer.subarray(0, bytes.length),
    clear: () => {
      bytes.length = 0
      if (bytes.buffer.length > keptBytes) bytes.buffer = Buffer.allocUnsafeSlow(initialBytes)
    },
  }
  return bytes
}
