import type { Database, Sql } from '#libs/postgres/database.ts'
import { SCOPES } from '../keyring.ts'
import { insertTenant } from '../tenant-store.ts'
import { hashKey, keyIdOf } from './api-key.ts'
import { insertKey } from './key-store.ts'

export const DEFAULT_TENANT = 'default'

/** Inserts an operator key of the tenant `default` with every scope, unless it exists. */
export const insertOperatorKey = async (
  tx: Sql,
  key: string,
  options: { readonly name: string; readonly loopbackOnly: boolean },
): Promise<void> => {
  const id = keyIdOf(key)
  if (id === undefined) throw new Error('not a Pulso key: expected pulso_<live|test>_<id>_<secret>_<checksum>')
  await insertTenant(tx, { id: DEFAULT_TENANT, name: 'Default' })
  await insertKey(tx, {
    id,
    tenantId: DEFAULT_TENANT,
    hash: hashKey(key),
    scopes: SCOPES,
    operator: true,
    expiresAt: null,
    ...options,
  })
}

/** The first operator key of a distributed installation. Once revoked it stays revoked. */
export const ensureBootstrapKey = (database: Database, key: string): Promise<void> =>
  database.transaction((tx) => insertOperatorKey(tx, key, { name: 'bootstrap', loopbackOnly: false }))
