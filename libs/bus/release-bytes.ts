import { SPARE_BYTES } from '#libs/runtime/zstd.ts'

/** No UTF-8 holds this byte: a late reader fails where it parses. */
const POISON = 0xff

let poisons = false

/** For tests: released bytes are overwritten instead of freed. The tests' setup file calls it. */
export const poisonReleasedBytes = (): void => {
  poisons = true
}

/**
 * Frees the memory of handled records at once: nobody may read them any more. The collector would
 * free buffers that live as long as a flush only in a full collection, which they themselves bring
 * about every half second (measured 2026-11-25). A small buffer shares its memory with others and
 * is left to the collector. A late reader finds an empty buffer, in tests a poisoned one.
 */
export const releaseBytes = (bytes: Buffer): void => {
  if (poisons) bytes.fill(POISON)
  else if (bytes.buffer.byteLength <= bytes.length + SPARE_BYTES) (bytes.buffer as ArrayBuffer).transfer(0)
}
