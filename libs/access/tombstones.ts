import { createHash, createHmac, hkdfSync } from 'node:crypto'
import type { Database } from '#libs/postgres/database.ts'
import { createSealer } from './seal-secret.ts'
import { insertTombstoneKey, readTombstoneKey, resealTombstoneKey } from './tombstone-key-store.ts'

type AccountName = { readonly tenantId: string; readonly accountId: string }

/**
 * What stands for an erased account or user where the id must not, in hex: HMAC-SHA-256, under a
 * key of the installation, of the hash that former releases wrote. That one has no key, so a list
 * of likely ids tells whose it is: it is read on, and written no more.
 */
export type Tombstones = {
  /** `access.account_hash` is the former one. */
  readonly ofAccount: (account: AccountName) => string
  readonly ofUser: (account: AccountName, userId: string) => { readonly hash: string; readonly former: string }
}

export type StoredTombstones = Tombstones & {
  /** Reads the key, and makes it in the first process of all. Throws when nothing opens it. */
  readonly start: () => Promise<void>
}

const CONTEXT = 'key of tombstones'

type Deps = {
  readonly database: Database
  readonly encryptionKey: Buffer
  readonly formerEncryptionKeys?: readonly Buffer[] | undefined
}

export const createTombstones = (key: () => Buffer): Tombstones => {
  const keyed = (former: Buffer): string => createHmac('sha256', key()).update(former).digest('hex')
  return {
    ofAccount: ({ tenantId, accountId }) => keyed(sha256(`${tenantId}:${accountId}`)),
    ofUser: ({ tenantId, accountId }, userId) => {
      const former = sha256(JSON.stringify([tenantId, accountId, userId]))
      return { hash: keyed(former), former: former.toString('hex') }
    },
  }
}

/**
 * The key is derived from the encryption key that the installation has at first, and kept sealed:
 * it stays the same when that key is replaced. A copy of the database from before the key was made
 * comes to the same one.
 */
export const createStoredTombstones = ({ database, encryptionKey, formerEncryptionKeys }: Deps): StoredTombstones => {
  const sealer = createSealer(encryptionKey, formerEncryptionKeys)
  let key: Buffer | undefined

  const make = async (): Promise<Buffer> => {
    const derived = Buffer.from(hkdfSync('sha256', encryptionKey, '', CONTEXT, 32))
    await insertTombstoneKey(database, sealer.seal(derived, CONTEXT))
    return (await readTombstoneKey(database))!
  }

  const tombstones = createTombstones(() => {
    if (key === undefined) throw new Error('the key of tombstones is not read yet')
    return key
  })
  return {
    ...tombstones,
    start: async () => {
      const sealed = (await readTombstoneKey(database)) ?? (await make())
      const opened = sealer.open(sealed, CONTEXT)
      if (opened === undefined)
        throw new Error(
          'PULSO_ENCRYPTION_KEY does not open access.tombstone_key, without which erased data may come back:' +
            ' give the key that it replaced in PULSO_ENCRYPTION_KEY_FORMER (docs/erasure.md)',
        )
      if (!sealed.subarray(0, sealer.keyId.length).equals(sealer.keyId))
        await resealTombstoneKey(database, sealed, sealer.seal(opened, CONTEXT))
      key = opened
    },
  }
}

/** A hash as logs and audit rows show it. */
export const shownHash = (hash: string): string => `hmac:${hash}`

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()
