import type { AccountHealth } from '#libs/contracts/account-health.ts'
import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { createTimeSlices } from '#libs/runtime/time-slices.ts'
import { changeIn } from './log-frames.ts'
import { LOG_PLACE, type LogPlace } from './log-rows.ts'
import { readEntries } from './read-entries.ts'
import { MAX_PAGE_BYTES } from './timeline-page.ts'

const SPACE = 0x20

export type HistoryRow = LogPlace & { readonly at: number; readonly score: number | null }

export type HistoryPage = {
  readonly from: number | null
  readonly to: number | null
  readonly after: { readonly at: number; readonly version: number } | undefined
  readonly limit: number
}

/** Published changes, oldest first. */
export const listHistory = (sql: Sql, key: AccountKey, page: HistoryPage) =>
  sql.query<HistoryRow>(
    `select l.at, l.score, ${LOG_PLACE} from scoring.account_log l
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
       select distinct on (date_trunc('day', at, $8)) l.at, l.score, ${LOG_PLACE} from scoring.account_log l
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

/** What `pick` takes of the change of each row, with the row. One change is in memory at a time. */
export const readChanges = async <Row extends LogPlace, Picked>(
  sql: Sql,
  rows: readonly Row[],
  pick: (change: AccountHealth, row: Row) => Picked,
): Promise<Picked[]> => {
  const slices = createTimeSlices()
  const picked: Picked[] = []
  for await (const { place, frame } of readEntries(sql, rows, slices)) {
    const change = changeIn(frame, place)
    if (change === null) throw new Error('the log has no change for an entry that was asked for it')
    // Spaces: the account was erased after its rows were read.
    if (change[0] !== SPACE) picked.push(pick(JSON.parse(change.toString()), place))
    if (slices.isOver()) await slices.next()
  }
  return picked
}

/** Published changes, newest first; fewer than `limit` where they are long. */
export const listChanges = async (
  sql: Sql,
  key: AccountKey,
  page: { readonly beforeSequence: number | undefined; readonly limit: number },
): Promise<{ readonly changes: AccountHealth[]; readonly hasMore: boolean }> => {
  const rows = await sql.query<LogPlace>(
    `select ${LOG_PLACE} from scoring.account_log l
     where tenant_id = $1 and account_id = $2 and change_length > 0 and ($3::bigint is null or sequence < $3)
     order by at desc, version desc limit $4`,
    [key.tenantId, key.accountId, page.beforeSequence ?? null, page.limit + 1],
  )
  let bytes = 0
  const fitting = rows.slice(0, page.limit).filter(({ changeLength }, i) => {
    bytes += changeLength
    return i === 0 || bytes <= MAX_PAGE_BYTES
  })
  return { changes: await readChanges(sql, fitting, (change) => change), hasMore: rows.length > fitting.length }
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
