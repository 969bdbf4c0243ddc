import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'

export type ErasedAccount = { readonly erasedAt: number; readonly version: number; readonly sequence: number }
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

export const insertErasedAccount = async (tx: Sql, key: AccountKey, erased: ErasedAccount): Promise<void> => {
  await tx.query(
    `insert into scoring.erased_account as e (tenant_id, account_hash, erased_at, version, sequence)
     values ($1, access.account_hash($1, $2), to_timestamp($3::double precision / 1000), $4, $5)
     on conflict (tenant_id, account_hash) do update
       set erased_at = greatest(e.erased_at, excluded.erased_at), version = excluded.version, sequence = excluded.sequence`,
    [key.tenantId, key.accountId, erased.erasedAt, erased.version, erased.sequence],
  )
}

export const insertErasedUser = async (tx: Sql, key: AccountKey, userHash: string, erasedAt: number): Promise<void> => {
  await tx.query(
    `insert into scoring.erased_user as e (tenant_id, account_id, user_hash, erased_at)
     values ($1, $2, decode($3, 'hex'), to_timestamp($4::double precision / 1000))
     on conflict (tenant_id, account_id, user_hash) do update set erased_at = greatest(e.erased_at, excluded.erased_at)`,
    [key.tenantId, key.accountId, userHash, erasedAt],
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

/** Erases the account from every schema. Answers the hash that replaces its id in the audit log. */
export const eraseInEverySchema = async (tx: Sql, key: AccountKey, lastSequence: number): Promise<string> => {
  const [row] = await tx.query<{ hash: string }>(
    `select access.erase_account($1, $2, $3), 'sha256:' || encode(access.account_hash($1, $2), 'hex') as hash`,
    [key.tenantId, key.accountId, lastSequence],
  )
  return row!.hash
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
