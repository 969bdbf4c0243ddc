import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import type { Snapshot } from '../core/codec/snapshot-bytes.ts'

/** What a fold can begin at: a copy of the account, or the account itself. */
export type Beginning = {
  readonly version: number
  /** The latest event that it has; null: none. */
  readonly lastOccurredAt: number | null
  readonly modelId: string
  readonly modelVersion: number
  readonly layout: number
}

/** Newest first. */
export const listBeginnings = (sql: Sql, key: AccountKey) =>
  sql.query<Beginning>(
    `select version, last_occurred_at as "lastOccurredAt", model_id as "modelId", model_version as "modelVersion",
       get_byte(state, 0) as layout
     from (
       select version, last_occurred_at, model_id, model_version, state from scoring.account_snapshot
       where tenant_id = $1 and account_id = $2
       union all
       select version, scoring.last_occurred_at($1, $2), model_id, model_version, state from scoring.account
       where tenant_id = $1 and account_id = $2) as b
     order by version desc`,
    [key.tenantId, key.accountId],
  )

/** Undefined: the account has changed since. */
export const loadSnapshot = async (sql: Sql, key: AccountKey, version: number): Promise<Snapshot | undefined> => {
  const [row] = await sql.query<Snapshot>(
    `select state, user_page_bits as "userPageBits", pages from scoring.account_snapshot
     where tenant_id = $1 and account_id = $2 and version = $3
     union all
     select state, user_page_bits, scoring.pages_of($1, $2) from scoring.account
     where tenant_id = $1 and account_id = $2 and version = $3
     limit 1`,
    [key.tenantId, key.accountId, version],
  )
  return row
}
