import type { Sql } from '#libs/postgres/database.ts'
import { countOf } from '../assert-room.ts'
import type { Scope } from '../keyring.ts'
import type { TenantState } from '../tenant-store.ts'

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
  /** To the minute; null: never. */
  readonly lastUsedAt: number | null
  readonly tenantState: TenantState
}

const KEYS = `select k.id, k.tenant_id as "tenantId", k.name, k.key_hash as hash, k.scopes, k.operator,
  k.loopback_only as "loopbackOnly", k.created_at as "createdAt", k.expires_at as "expiresAt",
  k.last_used_at as "lastUsedAt", t.state as "tenantState"
  from access.api_key k join access.tenant t on t.id = k.tenant_id`

/** The keys among these ids that are not revoked. The caller checks the expiry. */
export const findKeys = (sql: Sql, ids: readonly string[]): Promise<readonly StoredKey[]> =>
  sql.query<StoredKey>(`${KEYS} where k.id = any($1) and k.revoked_at is null`, [ids])

/** The keys in force, those used last first. The caller checks the expiry. */
export const recentKeys = (sql: Sql, limit: number): Promise<readonly StoredKey[]> =>
  sql.query<StoredKey>(
    `${KEYS} where k.revoked_at is null order by coalesce(k.last_used_at, k.created_at) desc limit $1`,
    [limit],
  )

/** Keys of operators are shown to operators only. */
export type KeyHolder = { readonly tenantId: string; readonly operator: boolean }

export const listKeys = (
  sql: Sql,
  { tenantId, operator }: KeyHolder,
  page: { readonly limit: number; readonly afterId: string },
): Promise<readonly StoredKey[]> =>
  sql.query<StoredKey>(
    `${KEYS} where k.tenant_id = $1 and k.revoked_at is null and (not k.operator or $4) and k.id > $2 collate "C"
     order by k.id collate "C" limit $3`,
    [tenantId, page.afterId, page.limit + 1, operator],
  )

/** Keys in force: neither revoked nor expired. */
export const countKeys = (sql: Sql, tenantId: string): Promise<number> =>
  countOf(
    sql,
    `select count(*) from access.api_key
     where tenant_id = $1 and revoked_at is null and (expires_at is null or expires_at > now())`,
    [tenantId],
  )

export type KeyToInsert = Omit<StoredKey, 'createdAt' | 'lastUsedAt' | 'tenantState'>

export const insertKey = async (sql: Sql, key: KeyToInsert): Promise<void> => {
  await sql.query(
    `insert into access.api_key (id, tenant_id, name, key_hash, scopes, operator, loopback_only, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, to_timestamp($8::double precision / 1000))
     on conflict (id) do nothing`,
    [key.id, key.tenantId, key.name, key.hash, key.scopes, key.operator, key.loopbackOnly, key.expiresAt],
  )
}

/** The name of the revoked key; undefined when the holder has no such key in force. */
export const revokeKey = async (
  sql: Sql,
  { tenantId, operator }: KeyHolder,
  id: string,
): Promise<{ readonly name: string; readonly operator: boolean } | undefined> => {
  const [row] = await sql.query<{ name: string; operator: boolean }>(
    `update access.api_key set revoked_at = now()
     where tenant_id = $1 and id = $2 and revoked_at is null and (not operator or $3) returning name, operator`,
    [tenantId, id, operator],
  )
  return row
}

/** Makes other revocations of operators' keys wait until the transaction ends. */
export const lockOperatorKeys = async (tx: Sql): Promise<void> => {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('access.operator_keys', 0))`)
}

export const hasOperatorKey = async (tx: Sql): Promise<boolean> => {
  const rows = await tx.query(
    `select 1 from access.api_key
     where operator and revoked_at is null and (expires_at is null or expires_at > now()) limit 1`,
  )
  return rows.length > 0
}

export const markUsed = async (sql: Sql, uses: ReadonlyMap<string, number>): Promise<void> => {
  await sql.query(
    `update access.api_key k set last_used_at = greatest(k.last_used_at, to_timestamp(u.at / 1000))
     from unnest($1::text[], $2::double precision[]) as u (id, at) where k.id = u.id`,
    [[...uses.keys()], [...uses.values()]],
  )
}
