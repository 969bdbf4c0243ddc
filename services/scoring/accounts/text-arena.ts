const ARENA_BYTES = 256 * 1024

/** Texts as bytes, cut from slabs: a buffer of its own for each costs more than writing it. A slab lives as long as any text in it. */
export const createTextArena = (): ((text: string) => Buffer) => {
  let arena = Buffer.alloc(0)
  let length = 0
  return (text) => {
    // No text has more than three bytes a UTF-16 unit.
    if (length + 3 * text.length > arena.length) {
      arena = Buffer.allocUnsafeSlow(Math.max(ARENA_BYTES, 3 * text.length))
      length = 0
    }
    const from = length
    length += arena.write(text, length)
    return arena.subarray(from, length)
  }
}
