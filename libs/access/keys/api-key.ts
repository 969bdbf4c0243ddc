import { createHash, randomInt, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const KEY = /^(pulso_(?:live|test)_([0-9A-Za-z]{8})_[0-9A-Za-z]{32})_([0-9A-Za-z]{6})$/

const randomText = (length: number): string => {
  let text = ''
  for (let index = 0; index < length; index++) text += ALPHABET[randomInt(ALPHABET.length)]
  return text
}

/** Shows a mistyped or cut key without a query. No secret. */
const checksumOf = (body: string): string => {
  let rest = crc32(body)
  let text = ''
  for (let index = 0; index < 6; index++) {
    text = ALPHABET[rest % ALPHABET.length] + text
    rest = Math.floor(rest / ALPHABET.length)
  }
  return text
}

export type NewKey = { readonly id: string; readonly key: string; readonly hash: Buffer }

/** `pulso_<live|test>_<id: 8>_<random: 32>_<checksum: 6>`, 190 random bits. The hash is stored. */
export const newApiKey = (environment: 'live' | 'test' = 'live'): NewKey => {
  const id = randomText(8)
  const body = `pulso_${environment}_${id}_${randomText(32)}`
  const key = `${body}_${checksumOf(body)}`
  return { id, key, hash: hashKey(key) }
}

export const keyIdOf = (key: string): string | undefined => {
  const match = KEY.exec(key)
  return match && match[3] === checksumOf(match[1]!) ? match[2] : undefined
}

export const hashKey = (key: string): Buffer => createHash('sha256').update(key).digest()

/** Constant time. */
export const sameHash = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b)
