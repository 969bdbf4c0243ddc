import type { Sql } from '#libs/postgres/database.ts'

export type DueAccount = { readonly tenantId: string; readonly accountId: string; readonly dueAt: number }
type Claim = { readonly now: number; readonly until: number; readonly limit: number }

/** $1: now, $2: limit. The longest due first; skips rows that another process is claiming. */
export const FIND_DUE = `select tenant_id, account_id from scoring.account
   where next_evaluation_at <= to_timestamp($1::double precision / 1000)
     and (evaluation_claimed_until is null or evaluation_claimed_until <= to_timestamp($1::double precision / 1000))
   order by next_evaluation_at limit $2 for update skip locked`

/** Claims accounts due at `now`, until `until`. Skips accounts that are claimed. */
export const claimDueAccounts = (sql: Sql, { now, until, limit }: Claim) =>
  sql.query<DueAccount>(
    `update scoring.account a set evaluation_claimed_until = to_timestamp($3::double precision / 1000)
     from (${FIND_DUE}) d
     where a.tenant_id = d.tenant_id and a.account_id = d.account_id
     returning a.tenant_id as "tenantId", a.account_id as "accountId", a.next_evaluation_at as "dueAt"`,
    [now, limit, until],
  )
