import { hash } from 'node:crypto'
import { parse, stringify, v7 } from 'uuid'

/** Pulso's UUIDv5 namespace: the same parts have the same id in every installation. */
const NAMESPACE = Buffer.from(parse('6f1c8a52-3f0e-5d0b-9a77-6a2f4c1d9e10'))

/** UUIDv5 (RFC 9562) of length-prefixed parts. Node's hash is far cheaper than the library's. */
export const derivedId = (...parts: readonly (string | number)[]): string => {
  const name = parts.map((part) => `${String(part).length}:${part}`).join('')
  const bytes = hash('sha1', Buffer.concat([NAMESPACE, Buffer.from(name)]), 'buffer').subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x50
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return stringify(bytes)
}

/** A new id, ordered by time. */
export const newId = (): string => v7()
