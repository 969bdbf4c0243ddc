import { numberArray, textArray } from '#libs/postgres/array-literal.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import type { AccountKey } from '../core/alert/subject.ts'
import type { FactRow } from '../core/preview/fact-history.ts'

/** Overwrites rows that an erased account left: the history never blocks an evaluation. */
export const insertFacts = async (tx: Sql, rows: readonly (AccountKey & FactRow)[]): Promise<void> => {
  if (rows.length === 0) return
  await tx.query(
    `insert into alerting.account_facts (tenant_id, account_id, sequence, at, whole, changes)
     select tenant, account, sequence, to_timestamp(at / 1000), whole, changes
       from unnest($1::text[], $2::text[], $3::bigint[], $4::double precision[], $5::boolean[], $6::json[])
         as n(tenant, account, sequence, at, whole, changes)
     on conflict (tenant_id, account_id, sequence) do update
        set at = excluded.at, whole = excluded.whole, changes = excluded.changes`,
    [
      textArray(rows.map((row) => row.tenantId)),
      textArray(rows.map((row) => row.accountId)),
      numberArray(rows.map((row) => row.sequence)),
      numberArray(rows.map((row) => row.at)),
      rows.map((row) => row.whole),
      textArray(rows.map((row) => JSON.stringify(row.changes))),
    ],
  )
}

export type FactPage = {
  readonly accountIds: readonly string[]
  readonly since: number
  /** The last row of the page before. */
  readonly after: { readonly accountId: string; readonly sequence: number } | null
  readonly limit: number
}

export type StoredFacts = FactRow & { readonly accountId: string }

/** Rows of these accounts, by account, oldest first. */
export const factPage = (sql: Sql, tenantId: string, page: FactPage): Promise<readonly StoredFacts[]> =>
  sql.query<StoredFacts>(
    `select account_id as "accountId", sequence, at, whole, changes from alerting.account_facts
      where tenant_id = $1 and account_id = any($2) and at >= to_timestamp($3::double precision / 1000)
        and ($4::text is null or (account_id, sequence) > ($4, $5::bigint))
      order by account_id, sequence limit $6`,
    [tenantId, page.accountIds, page.since, page.after?.accountId ?? null, page.after?.sequence ?? null, page.limit],
  )

/** Evaluated accounts in an order unrelated to their names, and their number without the limit. */
export const accountsToSample = async (
  sql: Sql,
  tenantId: string,
  limit: number,
): Promise<{ readonly accountIds: readonly string[]; readonly all: number }> => {
  const rows = await sql.query<{ accountId: string; all: number }>(
    `select account_id as "accountId", count(*) over () as all from alerting.account
      where tenant_id = $1 and sequence > 0 order by hashtextextended(account_id, 0) limit $2`,
    [tenantId, limit],
  )
  return { accountIds: rows.map((row) => row.accountId), all: rows[0]?.all ?? 0 }
}

/** Removes rows that end before `before`, at most `limit`; returns their number. */
export const removeOldFacts = async (sql: Sql, before: number, limit: number): Promise<number> => {
  const [gone] = await sql.query<{ count: number }>(
    `with gone as (
       delete from alerting.account_facts where ctid = any(array(
         select ctid from alerting.account_facts where at < to_timestamp($1::double precision / 1000)
          order by at limit $2 for update skip locked))
       returning 1)
     select count(*) as count from gone`,
    [before, limit],
  )
  return gone!.count
}

/**
 * Merges a week of an account into its whole row, one replica at a time: the order matters.
 * Removes rows that continue nothing: nobody can read them.
 */
export const mergeFacts = (database: Database, before: number, limit: number): Promise<number> =>
  database.transaction(async (tx) => {
    const [lock] = await tx.query<{ mine: boolean }>(
      "select pg_try_advisory_xact_lock(hashtextextended('alerting.account_facts', 0)) as mine",
    )
    if (!lock!.mine) return 0
    const [merged] = await tx.query<{ count: number }>(
      `with picked as materialized (
         select f.tenant_id, f.account_id, f.sequence,
                (select max(w.sequence) from alerting.account_facts w
                  where w.tenant_id = f.tenant_id and w.account_id = f.account_id and w.whole
                    and w.sequence < f.sequence) as head
           from alerting.account_facts f
          where not f.whole and f.at < to_timestamp($1::double precision / 1000)
          order by f.at, f.sequence limit $2),
       gone as (
         delete from alerting.account_facts f using picked p
          where f.tenant_id = p.tenant_id and f.account_id = p.account_id and f.sequence = p.sequence
         returning f.tenant_id, f.account_id, f.sequence, f.at, f.changes::text as changes, p.head),
       tails as (
         select tenant_id, account_id, head, max(at) as at,
                string_agg(substring(changes from 2 for length(changes) - 2), ',' order by sequence) as changes
           from gone where head is not null group by tenant_id, account_id, head),
       longer as (
         update alerting.account_facts w
            set at = t.at, changes = (left(w.changes::text, -1) || ',' || t.changes || ']')::json
           from tails t
          where w.tenant_id = t.tenant_id and w.account_id = t.account_id and w.sequence = t.head)
       select count(*) as count from gone`,
      [before, limit],
    )
    return merged!.count
  })
