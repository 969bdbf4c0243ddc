import lzString from 'lz-string'
import { BODY_LIMIT_BYTES } from '#libs/http/server.ts'
import { badEnvelope, inflatedTooLarge } from './body-text.ts'

/** The library reads bit by bit, 0.3 µs a character: a longer text would hold up the process. */
const MAX_CHARACTERS = 128 * 1024
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

const notLz = () => badEnvelope('invalid_encoding', 'The data is not lz-string in base64')

/** Reads numbers of so many bits, the lowest first. Ends the text by the end mark 2. */
const bitsOf = (text: string): ((count: number) => number) => {
  let at = 0
  return (count) => {
    let value = 0
    for (let bit = 0; bit < count; bit++, at++) {
      const digit = DIGITS.indexOf(text[Math.floor(at / 6)] ?? '=')
      if (digit < 0) return 2
      value |= ((digit >> (5 - (at % 6))) & 1) << bit
    }
    return value
  }
}

/**
 * Whether a text is longer than so many characters once inflated. Keeps only the lengths of the
 * words: the library (lz-string 1.5) has no limit, and 25 KB can stand for 50 million spaces.
 */
export const inflatesBeyond = (text: string, limit: number): boolean => {
  const read = bitsOf(text)
  const lengths = [0, 0, 0]
  let width = 2
  let untilWider = 1
  let before = 0
  let total = 0
  const widen = (): void => {
    if (--untilWider > 0) return
    untilWider = 2 ** width
    width++
  }
  for (;;) {
    let word = read(width)
    if (word === 2) return false
    if (word < 2) {
      read(word === 0 ? 8 : 16)
      word = lengths.push(1) - 1
      if (before > 0) widen()
    }
    const length = lengths[word] ?? (word === lengths.length ? before + 1 : undefined)
    if (length === undefined) return false
    total += length
    if (total > limit) return true
    if (before > 0) lengths.push(before + 1)
    widen()
    before = length
  }
}

/** The text of `compression=lz64`. Throws 400 for what is none, 413 for what would be too long. */
export const inflateLz = (text: string): string => {
  // The library reads any other character as zeros, and so might read on where the measure ends.
  if (!/^[A-Za-z0-9+/]*={0,3}$/.test(text)) throw notLz()
  if (text.length > MAX_CHARACTERS || inflatesBeyond(text, BODY_LIMIT_BYTES)) throw inflatedTooLarge()
  const inflated = lzString.decompressFromBase64(text)
  if (!inflated) throw notLz()
  return inflated
}
