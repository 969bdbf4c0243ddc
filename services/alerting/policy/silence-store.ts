import { countOf } from '#libs/access/assert-room.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { type ReportUnreadable, reportOfTenants } from '#libs/runtime/unreadable-documents.ts'
import type { Silence } from '../core/alert/silence.ts'
import { readMatcher } from './silence-matcher.ts'

export type StoredSilence = Omit<Silence, 'matcher'> & {
  /** As it is stored: `readMatcher` reads it. */
  readonly matcher: unknown
  readonly silenceId: string
  readonly comment: string
  readonly createdBy: string
  readonly createdAt: number
}

const COLUMNS = `silence_id as "silenceId", matcher, starts_at as "startsAt", ends_at as "endsAt", comment,
  created_by as "createdBy", created_at as "createdAt"`

/** Silences of each tenant that have not ended by `since`; without those that cannot be read. */
export const silencesOf = async (
  sql: Sql,
  tenantIds: readonly string[],
  since: number,
  reportUnreadable: ReportUnreadable,
): Promise<ReadonlyMap<string, readonly Silence[]>> => {
  const rows = await sql.query<StoredSilence & { readonly tenantId: string }>(
    `select tenant_id as "tenantId", ${COLUMNS} from alerting.silence
      where tenant_id = any($1) and ends_at > to_timestamp($2::double precision / 1000)`,
    [tenantIds, since],
  )
  const read = rows.map((row) => ({ row, read: readMatcher(row.matcher) }))
  const unreadable = read.flatMap(({ row, read }) => (read.ok ? [] : [{ tenantId: row.tenantId, id: row.silenceId }]))
  reportOfTenants(reportUnreadable, 'silence', tenantIds, unreadable)
  const readable = read.flatMap(({ row, read }) =>
    read.ok ? [{ ...row, matcher: read.matcher as Silence['matcher'] }] : [],
  )
  return Map.groupBy(readable, ({ tenantId }) => tenantId)
}

/** Newest first, below the given id. */
export const listSilences = (
  sql: Sql,
  tenantId: string,
  page: { readonly limit: number; readonly beforeId: string | null },
): Promise<readonly StoredSilence[]> =>
  sql.query<StoredSilence>(
    `select ${COLUMNS} from alerting.silence
      where tenant_id = $1 and ($2::uuid is null or silence_id < $2) order by silence_id desc limit $3`,
    [tenantId, page.beforeId, page.limit + 1],
  )

export const insertSilence = async (tx: Sql, tenantId: string, silence: StoredSilence): Promise<void> => {
  await tx.query(
    `insert into alerting.silence (silence_id, tenant_id, matcher, starts_at, ends_at, comment, created_by, created_at)
     values ($1, $2, $3::jsonb, to_timestamp($4::double precision / 1000), to_timestamp($5::double precision / 1000),
             $6, $7, to_timestamp($8::double precision / 1000))`,
    [
      silence.silenceId,
      tenantId,
      JSON.stringify(silence.matcher),
      silence.startsAt,
      silence.endsAt,
      silence.comment,
      silence.createdBy,
      silence.createdAt,
    ],
  )
}

/** Silences that have not ended. */
export const countSilences = (tx: Sql, tenantId: string, now: number): Promise<number> =>
  countOf(
    tx,
    `select count(*) from alerting.silence
      where tenant_id = $1 and ends_at > to_timestamp($2::double precision / 1000)`,
    [tenantId, now],
  )

/** Answers whether the silence existed. */
export const deleteSilence = async (tx: Sql, tenantId: string, silenceId: string): Promise<boolean> => {
  const rows = await tx.query(
    'delete from alerting.silence where tenant_id = $1 and silence_id = $2 returning silence_id',
    [tenantId, silenceId],
  )
  return rows.length > 0
}
