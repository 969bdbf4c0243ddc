import { createGrowingBytes } from '#libs/bytes/growing-bytes.ts'

const INITIAL_BYTES = 4 * 1024
const KEPT_BYTES = 8 * 1024 * 1024

/** Many byte strings as one parameter; each is `substring($blob from offset + 1 for length)`. */
export type Blob = {
  /** Answers the offset of the bytes. */
  readonly append: (bytes: Buffer) => number
  /** Valid until the next `append` or `clear`. */
  readonly bytes: () => Buffer
  readonly clear: () => void
}

export const createBlob = (): Blob => {
  const all = createGrowingBytes(INITIAL_BYTES, KEPT_BYTES)
  return {
    append: (bytes) => {
      const offset = all.length
      all.ensure(bytes.length).set(bytes, offset)
      all.length += bytes.length
      return offset
    },
    bytes: all.written,
    clear: all.clear,
  }
}
