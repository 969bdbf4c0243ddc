const ARENA_BYTES = 256 * 1024

/**
 * Turns texts into bytes, cut from large buffers: a buffer of its own for each text costs more than
 * writing the text. A large buffer lives as long as any text in it.
 */
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
