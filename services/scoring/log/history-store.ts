import type { AccountHealth } from '#libs/contracts/account-health.ts'
import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { changeOf, FRAMED_ENTRY, type FramedEntry } from './log-rows.ts'

export type HistoryRow = {
  readonly at: number
  readonly version: number
  readonly score: number | null
} & FramedEntry

export type HistoryPage = {
  readonly from: number | null
  readonly to: number | null
  readonly after: { readonly at: number; readonly version: number } | undefined
  readonly limit: number
}

/** Published changes, oldest first. */
export const listHistory = (sql: Sql, key: AccountKey, page: HistoryPage) =>
  sql.query<HistoryRow>(
    `select l.at, l.version, l.score, ${FRAMED_ENTRY}
     where tenant_id = $1 and account_id = $2 and change_length > 0
       and ($3::double precision is null or at >= to_timestamp($3 / 1000))
       and ($4::double precision is null or at <= to_timestamp($4 / 1000))
       and ($5::double precision is null or (at, version) > (to_timestamp($5 / 1000), $6::bigint))
     order by at, version limit $7`,
    [key.tenantId, key.accountId, page.from, page.to, page.after?.at ?? null, page.after?.version ?? null, page.limit],
  )

/** The last published change of each local day, oldest first. */
export const listDailyHistory = (sql: Sql, key: AccountKey, timeZone: string, page: HistoryPage) =>
  sql.query<HistoryRow>(
    `select * from (
       select distinct on (date_trunc('day', at, $8)) l.at, l.version, l.score, ${FRAMED_ENTRY}
       where tenant_id = $1 and account_id = $2 and change_length > 0
         and ($3::double precision is null or at >= to_timestamp($3 / 1000))
         and ($4::double precision is null or at <= to_timestamp($4 / 1000))
       order by date_trunc('day', at, $8), at desc, version desc) days
     where ($5::double precision is null or (at, version) > (to_timestamp($5 / 1000), $6::bigint))
     order by at, version limit $7`,
    [
      key.tenantId,
      key.accountId,
      page.from,
      page.to,
      page.after?.at ?? null,
      page.after?.version ?? null,
      page.limit,
      timeZone,
    ],
  )

/** Published changes, newest first. */
export const listChanges = async (
  sql: Sql,
  key: AccountKey,
  page: { readonly beforeSequence: number | undefined; readonly limit: number },
): Promise<AccountHealth[]> => {
  const rows = await sql.query<FramedEntry>(
    `select ${FRAMED_ENTRY}
     where tenant_id = $1 and account_id = $2 and change_length > 0 and ($3::bigint is null or sequence < $3)
     order by at desc, version desc limit $4`,
    [key.tenantId, key.accountId, page.beforeSequence ?? null, page.limit],
  )
  return rows.map((row) => JSON.parse(changeOf(row).toString()))
}

/** The scores published last by this time of day, 1 to `days` days before `at`, or null. */
export const loadDailyScores = async (
  sql: Sql,
  key: AccountKey,
  at: number,
  days: number,
): Promise<readonly (number | null)[]> => {
  const rows = await sql.query<{ score: number | null }>(
    `select (
       select score from scoring.account_log
       where tenant_id = $1 and account_id = $2 and sequence is not null
         and at <= to_timestamp(($3::double precision - day * 86400000.0) / 1000)
       order by at desc, version desc limit 1) as score
     from generate_series(1, $4::int) as day order by day`,
    [key.tenantId, key.accountId, at, days],
  )
  return rows.map((row) => row.score)
}
