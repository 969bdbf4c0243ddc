const ARENA_BYTES = 256 * 1024

/** Cuts texts from large buffers: a buffer for each is slow. Each text keeps its buffer alive. */
export const createTextArena = (): ((text: string) => Buffer) => {
  let arena = Buffer.alloc(0)
  let length = 0
  return (text) => {
    // A text has at most three bytes per UTF-16 unit.
    if (length + 3 * text.length > arena.length) {
      arena = Buffer.allocUnsafeSlow(Math.max(ARENA_BYTES, 3 * text.length))
      length = 0
    }
    const from = length
    length += arena.write(text, length)
    return arena.subarray(from, length)
  }
}
