import { isIP } from 'node:net'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import type { Keyring } from '../keyring.ts'
import { hashKey, keyIdOf, sameHash } from './api-key.ts'
import { createKeyCache } from './key-cache.ts'
import { createRecordUse } from './record-use.ts'

const isLoopback = (address: string): boolean => {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'))
}

/** The keyring of the database. It needs no `refresh` to work, but to be ready. */
export type StoredKeyring = Keyring & Pick<ReturnType<typeof createKeyCache>, 'refresh' | 'check'>

const notLocal = (): RequestError =>
  new RequestError(
    401,
    'unauthenticated',
    'The development key works on this machine only, without a proxy: set PULSO_BOOTSTRAP_KEY, or make a key by POST /v1/keys',
  )

export type KeyringDeps = {
  readonly database: Database
  readonly clock: Clock
  /** Whether the development key is good at all. Default true. */
  readonly developmentKey?: boolean
}

export const createKeyring = ({ developmentKey = true, ...deps }: KeyringDeps): StoredKeyring => {
  const { find, refresh, check } = createKeyCache(deps)
  const recordUse = createRecordUse(deps)
  return {
    refresh,
    check,
    authenticate: async (key, peerAddress) => {
      const id = keyIdOf(key)
      if (id === undefined) return undefined
      const stored = await find(id)
      if (!stored || !sameHash(stored.hash, hashKey(key))) return undefined
      if (stored.expiresAt !== null && stored.expiresAt <= deps.clock.now()) return undefined
      if (stored.loopbackOnly && !(developmentKey && isLoopback(peerAddress))) throw notLocal()
      // Operators belong to the installation: their keys work in a suspended tenant too.
      if (stored.tenantState === 'deleted') return undefined
      if (stored.tenantState === 'suspended' && !stored.operator)
        throw new RequestError(403, 'tenant_suspended', 'The tenant of this key is suspended')
      recordUse(id)
      const { tenantId, name, scopes, operator } = stored
      return { tenantId, keyId: id, name, scopes, operator }
    },
  }
}
