import type { Sql } from '#libs/postgres/database.ts'

type Claim = { readonly now: number; readonly until: number; readonly limit: number }

/** $1: an instant, $2: how many. Those due longest come first; what another claims right now is passed over. */
export const FIND_DUE = `select tenant_id, account_id from scoring.account
   where next_evaluation_at <= to_timestamp($1::double precision / 1000)
     and (evaluation_claimed_until is null or evaluation_claimed_until <= to_timestamp($1::double precision / 1000))
   order by next_evaluation_at limit $2 for update skip locked`

/** Accounts due at `now` (epoch ms) and claimed by nobody, the longest due first; they are the caller's until `until`. */
export const claimDueAccounts = (sql: Sql, { now, until, limit }: Claim) =>
  sql.query<{ tenant_id: string; account_id: string; due_at: number }>(
    `update scoring.account a set evaluation_claimed_until = to_timestamp($3::double precision / 1000)
     from (${FIND_DUE}) d
     where a.tenant_id = d.tenant_id and a.account_id = d.account_id
     returning a.tenant_id, a.account_id, a.next_evaluation_at as due_at`,
    [now, limit, until],
  )
