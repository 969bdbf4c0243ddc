import { numberArray, textArray } from '#libs/postgres/array-literal.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import { MINUTE_MS } from '#libs/runtime/durations.ts'
import type { FlushRows } from '../accounts/flush-rows.ts'
import { type FlushOffsets, type FlushPosition, writeFlush } from '../accounts/write-flush.ts'
import type { Backfilled } from '../core/account/backfill-tally.ts'

/** A backfill ends after this long without an event; a later event begins another. */
export const QUIET_MS = 5 * MINUTE_MS
/** Later than the end, so that no flush under way adds to a summed-up backfill. */
const SUM_UP_AFTER_MS = QUIET_MS + MINUTE_MS

type BackfillFlush = {
  readonly rows: FlushRows
  readonly backfilled: readonly Backfilled[]
  readonly offsets: FlushOffsets
  readonly now: number
}

/** As `writeFlush`, and adds the backfilled events to the runs of their sources. */
export const writeBackfillFlush = (
  database: Database,
  partition: number,
  flush: BackfillFlush,
): Promise<FlushPosition> =>
  database.transaction(async (tx) => {
    const flushed = await writeFlush(tx, partition, flush.rows, flush.offsets)
    await recordBackfilled(tx, flush.backfilled, flush.now)
    return flushed
  })

const recordBackfilled = async (tx: Sql, filled: readonly Backfilled[], now: number): Promise<void> => {
  const accounts = filled.flatMap((one) => [...one.accounts.values()].map((account) => ({ ...one, ...account })))
  accounts.sort((a, b) => (a.accountId < b.accountId ? -1 : 1))
  await tx.query(
    `with run as (
       insert into scoring.backfill as b (tenant_id, source, run, started_at, last_at, events)
       select i.tenant_id, i.source, coalesce(
           (select case when r.last_at >= to_timestamp($4::double precision / 1000) - $5 * interval '1 millisecond'
                   then r.run else r.run + 1 end
            from scoring.backfill r where r.tenant_id = i.tenant_id and r.source = i.source order by r.run desc limit 1), 1),
         to_timestamp($4::double precision / 1000), to_timestamp($4::double precision / 1000), i.events
       from unnest($1::text[], $2::text[], $3::bigint[]) with ordinality as i (tenant_id, source, events, place) order by place
       on conflict (tenant_id, source, run) do update
         set last_at = greatest(b.last_at, excluded.last_at), events = b.events + excluded.events, summed_up_at = null
       returning tenant_id, source, run
     )
     insert into scoring.backfill_account as a (tenant_id, source, run, account_id, band_before, band_after)
     select run.tenant_id, run.source, run.run, i.account_id, i.band_before, i.band_after
     from unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::text[]) as i (tenant_id, source, account_id, band_before, band_after)
     join run using (tenant_id, source)
     on conflict (tenant_id, source, run, account_id) do update set band_after = excluded.band_after`,
    [
      textArray(filled.map(({ tenantId }) => tenantId)),
      textArray(filled.map(({ source }) => source)),
      numberArray(filled.map(({ events }) => events)),
      now,
      QUIET_MS,
      textArray(accounts.map(({ tenantId }) => tenantId)),
      textArray(accounts.map(({ source }) => source)),
      textArray(accounts.map(({ accountId }) => accountId)),
      textArray(accounts.map(({ bandBefore }) => bandBefore)),
      textArray(accounts.map(({ bandAfter }) => bandAfter)),
    ],
  )
}

export type BandMove = { readonly from: string | null; readonly to: string; readonly accounts: number }
export type BackfillRow = {
  readonly tenantId: string
  readonly source: string
  readonly run: number
  readonly startedAt: number
  readonly lastAt: number
  readonly events: number
  readonly summedUp: boolean
  readonly accounts: number
  readonly bandMoves: readonly BandMove[]
}

/** Accounts of a run: as summed up, else counted now. */
const SUMMARY = `coalesce(b.accounts, 0) + coalesce(t.accounts, 0) as accounts, coalesce(b.band_moves, '[]') || coalesce(t.band_moves, '[]') as "bandMoves"`
const TOUCHED = `(
  select sum(n) as accounts,
    jsonb_agg(jsonb_build_object('from', band_before, 'to', band_after, 'accounts', n) order by n desc, band_before, band_after)
      filter (where band_before is distinct from band_after) as band_moves
  from (
    select band_before, band_after, count(*) as n from scoring.backfill_account a
    where a.tenant_id = b.tenant_id and a.source = b.source and a.run = b.run group by 1, 2) counted)`

export type BackfillPage = {
  readonly after: { readonly startedAt: number; readonly source: string } | undefined
  readonly limit: number
}

export const hasBackfills = async (sql: Sql, tenantId: string): Promise<boolean> => {
  const rows = await sql.query('select from scoring.backfill where tenant_id = $1 limit 1', [tenantId])
  return rows.length > 0
}

/** Newest first. */
export const listBackfills = (sql: Sql, tenantId: string, page: BackfillPage): Promise<readonly BackfillRow[]> =>
  sql.query<BackfillRow>(
    `select b.tenant_id as "tenantId", b.source, b.run, b.started_at as "startedAt", b.last_at as "lastAt", b.events,
       b.summed_up_at is not null as "summedUp", ${SUMMARY}
     from scoring.backfill b left join lateral ${TOUCHED} t on b.summed_up_at is null
     where b.tenant_id = $1 and ($2::double precision is null
       or b.started_at < to_timestamp($2 / 1000) or (b.started_at = to_timestamp($2 / 1000) and b.source > $3))
     order by b.started_at desc, b.source limit $4`,
    [tenantId, page.after?.startedAt ?? null, page.after?.source ?? null, page.limit],
  )

/** Sums up ended runs, a few at a time; skips runs locked by another process. */
export const sumUpBackfills = (tx: Sql, now: number): Promise<readonly BackfillRow[]> =>
  tx.query<BackfillRow>(
    `with ended as (
       select tenant_id, source, run from scoring.backfill
       where summed_up_at is null and last_at < to_timestamp($1::double precision / 1000) - $2 * interval '1 millisecond'
       order by last_at limit 10 for update skip locked
     ), summary as (
       select b.tenant_id, b.source, b.run, ${SUMMARY}
       from ended join scoring.backfill b using (tenant_id, source, run) left join lateral ${TOUCHED} t on true
     ), emptied as (
       delete from scoring.backfill_account a using ended e
       where a.tenant_id = e.tenant_id and a.source = e.source and a.run = e.run
     )
     update scoring.backfill b
        set summed_up_at = to_timestamp($1::double precision / 1000), accounts = s.accounts, band_moves = s."bandMoves"
       from summary s where b.tenant_id = s.tenant_id and b.source = s.source and b.run = s.run
     returning b.tenant_id as "tenantId", b.source, b.run, b.started_at as "startedAt", b.last_at as "lastAt", b.events,
       true as "summedUp", b.accounts, b.band_moves as "bandMoves"`,
    [now, SUM_UP_AFTER_MS],
  )
