const SLAB_BYTES = 256 * 1024

/** Texts as bytes, cut from slabs: a buffer of its own for each costs more than writing it. A slab lives as long as any text in it. */
export const createTextSlab = (): ((text: string) => Buffer) => {
  let slab = Buffer.alloc(0)
  let length = 0
  return (text) => {
    // No text has more than three bytes a UTF-16 unit.
    if (length + 3 * text.length > slab.length) {
      slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, 3 * text.length))
      length = 0
    }
    const from = length
    length += slab.write(text, length)
    return slab.subarray(from, length)
  }
}
