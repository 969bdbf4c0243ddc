import { SPARE_BYTES } from '#libs/bytes/zstd.ts'

/** No UTF-8 holds this byte: a late reader fails where it parses. */
const POISON = 0xff

let poisons = false

/** For tests: released bytes are overwritten instead of freed. The tests' setup file calls it. */
export const poisonReleasedBytes = (): void => {
  poisons = true
}

/**
 * Frees the memory of handled records at once. The collector frees buffers that live as long as a
 * flush only in full collections: one every half second (measured 2026-11-25). Small buffers share
 * memory and are left to it. A late reader finds an empty buffer, in tests a poisoned one.
 */
export const releaseBytes = (bytes: Buffer): void => {
  if (poisons) bytes.fill(POISON)
  else if (bytes.buffer.byteLength <= bytes.length + SPARE_BYTES) (bytes.buffer as ArrayBuffer).transfer(0)
}
