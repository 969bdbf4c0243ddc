/** Bytes written one behind the other into a buffer that grows. Whoever writes calls `ensure` first and moves `length` on. */
export type GrowingBytes = {
  buffer: Buffer
  length: number
  /** Room for so many more bytes, at `length` of the buffer it answers. */
  readonly ensure: (bytes: number) => Buffer
  /** What was written; valid until the next `ensure` or `clear`. */
  readonly written: () => Buffer
  /** Empty again. Keeps its memory, unless a rare large use has made it more than `keptBytes`. */
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
