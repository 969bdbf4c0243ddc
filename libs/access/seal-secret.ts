import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

const KEY_ID_BYTES = 4
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEAD_BYTES = KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES

/**
 * AES-256-GCM. The row's id (`context`) is authenticated: a secret opens only in its own row.
 * Layout: key id (4), nonce (12), tag (16), ciphertext.
 */
export type Sealer = {
  readonly seal: (secret: Buffer, context: string) => Buffer
  /** Undefined when no known key opens it, or when it was changed. */
  readonly open: (sealed: Buffer, context: string) => Buffer | undefined
  /** The first bytes of a sealed secret. Other first bytes mean a former key. */
  readonly keyId: Buffer
}

const keyIdOf = (key: Buffer): string =>
  createHash('sha256')
    .update('pulso-key-id')
    .update(key)
    .digest('hex')
    .slice(0, 2 * KEY_ID_BYTES)

/** `key` seals. `formerKeys` only open, while a key is being replaced. 32 bytes each. */
export const createSealer = (key: Buffer, formerKeys: readonly Buffer[] = []): Sealer => {
  const keyId = keyIdOf(key)
  const keys = new Map([...formerKeys, key].map((known) => [keyIdOf(known), known]))
  return {
    seal: (secret, context) => {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
      const encrypted = Buffer.concat([cipher.update(secret), cipher.final()])
      return Buffer.concat([Buffer.from(keyId, 'hex'), nonce, cipher.getAuthTag(), encrypted])
    },
    open: (sealed, context) => {
      const opener = keys.get(sealed.toString('hex', 0, KEY_ID_BYTES))
      if (!opener || sealed.length < HEAD_BYTES) return undefined
      const nonce = sealed.subarray(KEY_ID_BYTES, KEY_ID_BYTES + NONCE_BYTES)
      const decipher = createDecipheriv('aes-256-gcm', opener, nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(Buffer.from(context)).setAuthTag(sealed.subarray(KEY_ID_BYTES + NONCE_BYTES, HEAD_BYTES))
      try {
        return Buffer.concat([decipher.update(sealed.subarray(HEAD_BYTES)), decipher.final()])
      } catch {
        return undefined
      }
    },
    keyId: Buffer.from(keyId, 'hex'),
  }
}
