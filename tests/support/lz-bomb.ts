const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/**
 * lz-string in base64 of n(n+1)/2 spaces, n words each longer by one: the library's own compression
 * of so many takes seconds.
 */
export const lzBombOf = (words: number): string => {
  const bits: number[] = []
  const write = (value: number, count: number): void => {
    for (let bit = 0; bit < count; bit++) bits.push((value >> bit) & 1)
  }
  write(0, 2)
  write(32, 8)
  let width = 3
  let untilWider = 4
  for (let word = 4; word < words + 3; word++) {
    write(word, width)
    if (--untilWider > 0) continue
    untilWider = 2 ** width
    width++
  }
  write(2, width)
  while (bits.length % 6 !== 0) bits.push(0)
  let text = ''
  for (let at = 0; at < bits.length; at += 6) text += DIGITS[Number.parseInt(bits.slice(at, at + 6).join(''), 2)]
  return text
}
