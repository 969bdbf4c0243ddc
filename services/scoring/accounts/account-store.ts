import type { AccountKey } from '#libs/contracts/topics.ts'
import { numberArray, textArray } from '#libs/postgres/array-literal.ts'
import type { Sql } from '#libs/postgres/database.ts'
import type { PastScore } from '../core/account/account.ts'
import type { Override } from '../core/evaluation/evaluation.ts'

export type StoredAccount = {
  readonly tenant_id: string
  readonly account_id: string
  readonly version: number
  readonly sequence: number
  readonly state: Buffer
  readonly user_page_bits: number
  readonly model_id: string
  readonly model_version: number
  readonly band: string
  readonly override: Override | null
  readonly first_change_at: number | null
  readonly evaluated_at: number
  readonly healthy_since: number | null
}

const keyParams = (keys: readonly AccountKey[]): string[] => [
  textArray(keys.map((key) => key.tenantId)),
  textArray(keys.map((key) => key.accountId)),
]

export const loadAccounts = (sql: Sql, keys: readonly AccountKey[]): Promise<readonly StoredAccount[]> =>
  sql.query<StoredAccount>(
    `select a.tenant_id, a.account_id, a.version, a.sequence, a.user_page_bits, a.model_id, a.model_version, a.state,
       a.band, a.override, a.first_change_at, a.evaluated_at, a.healthy_since
     from unnest($1::text[], $2::text[]) as k (tenant_id, account_id)
     join scoring.account a on a.tenant_id = k.tenant_id and a.account_id = k.account_id`,
    keyParams(keys),
  )

/** All dedupe hashes of each account, one behind the other. */
export const loadIds = (sql: Sql, keys: readonly AccountKey[]) =>
  sql.query<{ tenant_id: string; account_id: string; ids: Buffer | null }>(
    `select l.tenant_id, l.account_id, string_agg(l.ids, ''::bytea) as ids
     from unnest($1::text[], $2::text[]) as k (tenant_id, account_id)
     join scoring.account_log l on l.tenant_id = k.tenant_id and l.account_id = k.account_id
     group by l.tenant_id, l.account_id`,
    keyParams(keys),
  )

export type PageKind = 'users' | 'interactions'
export type PageKey = AccountKey & { readonly kind: PageKind; readonly page: number }

export const loadPages = (sql: Sql, pages: readonly PageKey[]) =>
  sql.query<{ tenant_id: string; account_id: string; kind: PageKind; page: number; bytes: Buffer }>(
    `select p.tenant_id, p.account_id, p.kind, p.page, p.bytes
     from unnest($1::text[], $2::text[], $3::scoring.page_kind[], $4::int[]) as k (tenant_id, account_id, kind, page)
     join scoring.account_page p
       on p.tenant_id = k.tenant_id and p.account_id = k.account_id and p.kind = k.kind and p.page = k.page`,
    [...keyParams(pages), textArray(pages.map(({ kind }) => kind)), numberArray(pages.map(({ page }) => page))],
  )

/**
 * The score published last at or before an instant, per account; accounts without one are missing
 * from the answer.
 */
export const loadPastScores = async (
  sql: Sql,
  keys: readonly AccountKey[],
  beforeMs: number,
): Promise<readonly (AccountKey & { past: PastScore })[]> => {
  const rows = await sql.query<{
    tenant_id: string
    account_id: string
    score: number | null
    next_at: number | null
  }>(
    `select k.tenant_id, k.account_id, l.score, n.at as next_at
     from unnest($1::text[], $2::text[]) as k (tenant_id, account_id)
     cross join lateral (
       select score, at from scoring.account_log l
       where l.tenant_id = k.tenant_id and l.account_id = k.account_id and l.sequence is not null
         and l.at <= to_timestamp($3::double precision / 1000)
       order by l.at desc, l.version desc limit 1) l
     left join lateral (
       select at from scoring.account_log n
       where n.tenant_id = k.tenant_id and n.account_id = k.account_id and n.sequence is not null
         and n.at > to_timestamp($3::double precision / 1000)
       order by n.at limit 1) n on true`,
    [...keyParams(keys), beforeMs],
  )
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    accountId: row.account_id,
    past: { score: row.score, nextAt: row.next_at },
  }))
}

export const countAccounts = async (sql: Sql, tenantId: string): Promise<number> => {
  const [row] = await sql.query<{ n: number }>('select count(*) as n from scoring.account where tenant_id = $1', [
    tenantId,
  ])
  return row!.n
}

/** One of `parts` random parts of a tenant's accounts; together they are all. */
export const readPart = (
  sql: Sql,
  tenantId: string,
  { part, parts }: { readonly part: number; readonly parts: number },
) =>
  sql.query<AccountKey>(
    `select tenant_id as "tenantId", account_id as "accountId" from scoring.account
     where tenant_id = $1 and (hashtextextended(account_id, 0) & 9223372036854775807) % $3 = $2`,
    [tenantId, part, parts],
  )
