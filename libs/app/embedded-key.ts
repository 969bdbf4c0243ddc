import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE = 'encryption-key'

/** Made once and kept in the data folder: without it every webhook secret has to be rotated. */
export const embeddedEncryptionKey = (dataDir: string): Buffer => {
  mkdirSync(dataDir, { recursive: true })
  const file = join(dataDir, FILE)
  try {
    writeFileSync(file, `${randomBytes(32).toString('base64')}\n`, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64')
  if (key.length !== 32)
    throw new Error(
      `${file} does not hold a key of 32 bytes: restore it, or delete it, rotate every webhook secret and see docs/erasure.md`,
    )
  return key
}
