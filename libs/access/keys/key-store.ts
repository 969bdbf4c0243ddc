import type { Sql } from '#libs/postgres/database.ts'
import type { Scope } from '../keyring.ts'

export type StoredKey = {
  readonly id: string
  readonly tenantId: string
  readonly name: string
  readonly hash: Buffer
  readonly scopes: readonly Scope[]
  readonly operator: boolean
  readonly loopbackOnly: boolean
  /** Epoch milliseconds. */
  readonly createdAt: number
  readonly expiresAt: number | null
}

const COLUMNS = `id, tenant_id as "tenantId", name, key_hash as hash, scopes, operator, loopback_only as "loopbackOnly",
  created_at as "createdAt", expires_at as "expiresAt"`

/** The keys among these ids that are not revoked. The caller checks the expiry. */
export const findKeys = (sql: Sql, ids: readonly string[]): Promise<readonly StoredKey[]> =>
  sql.query<StoredKey>(`select ${COLUMNS} from access.api_key where id = any($1) and revoked_at is null`, [ids])

export const listKeys = (
  sql: Sql,
  tenantId: string,
  page: { readonly limit: number; readonly afterId: string },
): Promise<readonly StoredKey[]> =>
  sql.query<StoredKey>(
    `select ${COLUMNS} from access.api_key
     where tenant_id = $1 and revoked_at is null and id > $2 collate "C" order by id collate "C" limit $3`,
    [tenantId, page.afterId, page.limit + 1],
  )

export type KeyToInsert = Omit<StoredKey, 'createdAt'>

export const insertKey = async (sql: Sql, key: KeyToInsert): Promise<void> => {
  await sql.query(
    `insert into access.api_key (id, tenant_id, name, key_hash, scopes, operator, loopback_only, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, to_timestamp($8::double precision / 1000))
     on conflict (id) do nothing`,
    [key.id, key.tenantId, key.name, key.hash, key.scopes, key.operator, key.loopbackOnly, key.expiresAt],
  )
}

/** The name of the revoked key; undefined when the tenant has no such key in force. */
export const revokeKey = async (sql: Sql, tenantId: string, id: string): Promise<string | undefined> => {
  const [row] = await sql.query<{ name: string }>(
    `update access.api_key set revoked_at = now() where tenant_id = $1 and id = $2 and revoked_at is null returning name`,
    [tenantId, id],
  )
  return row?.name
}
