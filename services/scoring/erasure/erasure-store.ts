import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'

export type ErasedAccount = {
  /** Hex. */
  readonly hash: string
  readonly erasedAt: number
  readonly version: number
  readonly sequence: number
}

/** Locks the account's row: waits for a flush that writes it; a later flush finds it changed. */
export const lockAccount = async (
  tx: Sql,
  key: AccountKey,
): Promise<{ readonly version: number; readonly sequence: number } | undefined> => {
  const [row] = await tx.query<{ version: number; sequence: number }>(
    'select version, sequence from scoring.account where tenant_id = $1 and account_id = $2 for update',
    [key.tenantId, key.accountId],
  )
  return row
}

/** Takes the place of a tombstone under the former hash, which has no key. */
export const insertErasedAccount = async (
  tx: Sql,
  key: AccountKey,
  { hash, erasedAt, version, sequence }: ErasedAccount,
): Promise<void> => {
  await tx.query(
    `with former as (
       delete from scoring.erased_account
       where tenant_id = $1 and account_hash = access.account_hash($1, $2) returning erased_at)
     insert into scoring.erased_account as e (tenant_id, account_hash, erased_at, version, sequence)
     select $1, decode($3, 'hex'), greatest(to_timestamp($4::double precision / 1000), (select erased_at from former)), $5, $6
     on conflict (tenant_id, account_hash) do update
       set erased_at = greatest(e.erased_at, excluded.erased_at), version = excluded.version, sequence = excluded.sequence`,
    [key.tenantId, key.accountId, hash, erasedAt, version, sequence],
  )
}

/** Takes the place of a tombstone under the former hash. The hashes are in hex. */
export const insertErasedUser = async (
  tx: Sql,
  key: AccountKey,
  { hash, former }: { readonly hash: string; readonly former: string },
  erasedAt: number,
): Promise<void> => {
  await tx.query(
    `with former as (
       delete from scoring.erased_user
       where tenant_id = $1 and account_id = $2 and user_hash = decode($4, 'hex') returning erased_at)
     insert into scoring.erased_user as e (tenant_id, account_id, user_hash, erased_at)
     select $1, $2, decode($3, 'hex'), greatest(to_timestamp($5::double precision / 1000), (select erased_at from former))
     on conflict (tenant_id, account_id, user_hash) do update set erased_at = greatest(e.erased_at, excluded.erased_at)`,
    [key.tenantId, key.accountId, hash, former, erasedAt],
  )
}

/** Makes the flushes of the partition wait until the transaction ends. */
export const lockPartition = async (tx: Sql, partition: number): Promise<void> => {
  await tx.query(
    `insert into scoring.partition_head as h (partition, position) values ($1, 0)
     on conflict (partition) do update set position = h.position`,
    [partition],
  )
}

/** Erases a user from every schema's rows of the account, except the state and the log. */
export const eraseUserInEverySchema = async (
  tx: Sql,
  key: AccountKey,
  userId: string,
  traits: object,
): Promise<void> => {
  await tx.query('select access.erase_user($1, $2, $3, $4::jsonb)', [
    key.tenantId,
    key.accountId,
    userId,
    JSON.stringify(traits),
  ])
}

/** Copies of the account of former months: a user who is erased may be in each. */
export const deleteSnapshots = async (tx: Sql, key: AccountKey): Promise<void> => {
  await tx.query('delete from scoring.account_snapshot where tenant_id = $1 and account_id = $2', [
    key.tenantId,
    key.accountId,
  ])
}

/** Erases the account from every schema. The hash (hex) replaces its id. */
export const eraseInEverySchema = async (
  tx: Sql,
  key: AccountKey,
  { hash, sequence }: Pick<ErasedAccount, 'hash' | 'sequence'>,
): Promise<void> => {
  await tx.query(`select access.erase_account($1, $2, $3, decode($4, 'hex'))`, [
    key.tenantId,
    key.accountId,
    sequence,
    hash,
  ])
}

export const listAccountIds = async (sql: Sql, tenantId: string, limit: number): Promise<readonly string[]> => {
  const rows = await sql.query<{ id: string }>(
    'select account_id as id from scoring.account where tenant_id = $1 limit $2',
    [tenantId, limit],
  )
  return rows.map(({ id }) => id)
}

export const listSources = async (sql: Sql, tenantId: string): Promise<readonly string[]> => {
  const rows = await sql.query<{ source: string }>('select source from scoring.source_activity where tenant_id = $1', [
    tenantId,
  ])
  return rows.map(({ source }) => source)
}

/** Deletes every row that names the tenant; its accounts must be erased before. */
export const eraseTenantInEverySchema = async (sql: Sql, tenantId: string): Promise<void> => {
  await sql.query('select access.erase_tenant($1)', [tenantId])
}

export const listUnhashedAccounts = (sql: Sql, limit: number): Promise<readonly AccountKey[]> =>
  sql.query<AccountKey>(
    `select tenant_id as "tenantId", account_id as "accountId" from scoring.account where account_hash is null limit $1`,
    [limit],
  )

/** Hashes in hex. Answers how many were written: an account that is being written now is left. */
export const writeAccountHashes = async (
  sql: Sql,
  keys: readonly AccountKey[],
  hashes: readonly string[],
): Promise<number> => {
  const rows = await sql.query(
    `with free as (
       select a.tenant_id, a.account_id, k.hash
       from unnest($1::text[], $2::text[], $3::text[]) as k (tenant_id, account_id, hash)
       join scoring.account a using (tenant_id, account_id) for update of a skip locked)
     update scoring.account a set account_hash = decode(free.hash, 'hex') from free
     where a.tenant_id = free.tenant_id and a.account_id = free.account_id returning 1`,
    [keys.map(({ tenantId }) => tenantId), keys.map(({ accountId }) => accountId), hashes],
  )
  return rows.length
}
