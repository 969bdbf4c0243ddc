import type { Band } from '#libs/contracts/account-health.ts'
import type { AccountKey } from '#libs/contracts/topics.ts'
import { numberArray, textArray } from '#libs/postgres/array-literal.ts'
import type { Sql } from '#libs/postgres/database.ts'
import type { PastScore } from '../core/account/account.ts'
import type { Override } from '../core/evaluation/evaluation.ts'
import type { Traits } from '../core/models/segment.ts'

export type StoredAccount = AccountKey & {
  readonly version: number
  readonly sequence: number
  readonly state: Buffer
  readonly userPageBits: number
  readonly modelId: string
  readonly modelVersion: number
  readonly band: Band
  readonly override: Override | null
  readonly firstChangeAt: number | null
  readonly evaluatedAt: number
  readonly healthySince: number | null
}

/** The requested accounts as `k`, and the columns that name each in an answer. */
const KEYS = 'unnest($1::text[], $2::text[]) as k (tenant_id, account_id)'
const KEY_COLUMNS = 'k.tenant_id as "tenantId", k.account_id as "accountId"'
const keyParams = (keys: readonly AccountKey[]): string[] => [
  textArray(keys.map((key) => key.tenantId)),
  textArray(keys.map((key) => key.accountId)),
]

export const loadAccounts = (sql: Sql, keys: readonly AccountKey[]): Promise<readonly StoredAccount[]> =>
  sql.query<StoredAccount>(
    `select ${KEY_COLUMNS}, a.version, a.sequence, a.state, a.user_page_bits as "userPageBits", a.model_id as "modelId",
       a.model_version as "modelVersion", a.band, a.override, a.first_change_at as "firstChangeAt",
       a.evaluated_at as "evaluatedAt", a.healthy_since as "healthySince"
     from ${KEYS} join scoring.account a on a.tenant_id = k.tenant_id and a.account_id = k.account_id`,
    keyParams(keys),
  )

/** The hashes of all event ids that each account has counted, one behind the other. */
export const loadIds = (sql: Sql, keys: readonly AccountKey[]) =>
  sql.query<AccountKey & { readonly ids: Buffer | null }>(
    `select ${KEY_COLUMNS}, string_agg(l.ids, ''::bytea) as ids
     from ${KEYS} join scoring.account_log l on l.tenant_id = k.tenant_id and l.account_id = k.account_id
     group by k.tenant_id, k.account_id`,
    keyParams(keys),
  )

export type PageKind = 'users' | 'interactions'
export type PageKey = AccountKey & { readonly kind: PageKind; readonly page: number }

export const loadPages = (sql: Sql, pages: readonly PageKey[]) =>
  sql.query<PageKey & { readonly bytes: Buffer }>(
    `select ${KEY_COLUMNS}, p.kind, p.page, p.bytes
     from unnest($1::text[], $2::text[], $3::scoring.page_kind[], $4::int[]) as k (tenant_id, account_id, kind, page)
     join scoring.account_page p
       on p.tenant_id = k.tenant_id and p.account_id = k.account_id and p.kind = k.kind and p.page = k.page`,
    [...keyParams(pages), textArray(pages.map(({ kind }) => kind)), numberArray(pages.map(({ page }) => page))],
  )

/** The last score that each account published at or before an instant; no row if there is none. */
export const loadPastScores = (sql: Sql, keys: readonly AccountKey[], beforeMs: number) =>
  sql.query<AccountKey & PastScore>(
    `select ${KEY_COLUMNS}, l.score, n.at as "nextAt"
     from ${KEYS}
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

export const countAccounts = async (sql: Sql, tenantId: string): Promise<number> => {
  const [row] = await sql.query<{ n: number }>('select count(*) as n from scoring.account where tenant_id = $1', [
    tenantId,
  ])
  return row!.n
}

export type ShuffledAccount = AccountKey & {
  /** Its place in the random order: a number too large for a double. */
  readonly place: string
  readonly traits: Traits | null
}

/** A tenant's accounts in an order that is random, and the same in every read. */
export const readShuffled = (
  sql: Sql,
  tenantId: string,
  { after, limit }: { readonly after: ShuffledAccount | undefined; readonly limit: number },
) =>
  sql.query<ShuffledAccount>(
    `select tenant_id as "tenantId", account_id as "accountId", hashtextextended(account_id, 0)::text as place, traits
     from scoring.account
     where tenant_id = $1 and ($2::bigint is null or (hashtextextended(account_id, 0), account_id) > ($2, $3))
     order by hashtextextended(account_id, 0), account_id limit $4`,
    [tenantId, after?.place ?? null, after?.accountId ?? null, limit],
  )
