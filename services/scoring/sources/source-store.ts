import type { Sql } from '#libs/postgres/database.ts'

type PublishClaim = { readonly now: number; readonly before: number; readonly limit: number }

export type SourceActivityEntry = { readonly tenantId: string; readonly source: string; readonly heardAt: number }

const columnsOf = (entries: readonly SourceActivityEntry[]) => [
  entries.map((one) => one.tenantId),
  entries.map((one) => one.source),
  entries.map((one) => one.heardAt),
]

/** Writes when each source last sent an event; never moves back in time. */
export const writeActivity = async (sql: Sql, entries: readonly SourceActivityEntry[]): Promise<void> => {
  const sorted = [...entries].sort((a, b) => (`${a.tenantId}:${a.source}` < `${b.tenantId}:${b.source}` ? -1 : 1))
  await sql.query(
    `insert into scoring.source_activity as a (tenant_id, source, heard_at)
     select tenant_id, source, to_timestamp(heard_at / 1000)
     from unnest($1::text[], $2::text[], $3::double precision[]) as h (tenant_id, source, heard_at)
     on conflict (tenant_id, source) do update set heard_at = greatest(a.heard_at, excluded.heard_at)`,
    columnsOf(sorted),
  )
}

/**
 * Claims sources with unpublished activity that were claimed last at `before` or earlier. The claim
 * of a process that vanished ends by itself: its source is due again as any other.
 */
export const claimUnpublished = (sql: Sql, { now, before, limit }: PublishClaim) =>
  sql.query<SourceActivityEntry>(
    `update scoring.source_activity a set told_at = to_timestamp($3::double precision / 1000)
     from (
       select tenant_id, source from scoring.source_activity
       where told_heard_at is distinct from heard_at
         and (told_at is null or told_at <= to_timestamp($1::double precision / 1000))
       order by told_at nulls first limit $2 for update skip locked) d
     where a.tenant_id = d.tenant_id and a.source = d.source
     returning a.tenant_id as "tenantId", a.source, a.heard_at as "heardAt"`,
    [before, limit, now],
  )

export const markPublished = async (sql: Sql, published: readonly SourceActivityEntry[]): Promise<void> => {
  await sql.query(
    `update scoring.source_activity a
     set told_heard_at = greatest(a.told_heard_at, to_timestamp(t.heard_at / 1000))
     from unnest($1::text[], $2::text[], $3::double precision[]) as t (tenant_id, source, heard_at)
     where a.tenant_id = t.tenant_id and a.source = t.source`,
    columnsOf(published),
  )
}

/** Gives up the claim of sources that could not be published: they are due at once. */
export const releaseUnpublished = async (
  sql: Sql,
  claimed: readonly SourceActivityEntry[],
  now: number,
): Promise<void> => {
  const [tenantIds, sources] = columnsOf(claimed)
  await sql.query(
    `update scoring.source_activity a set told_at = null
     from unnest($1::text[], $2::text[]) as t (tenant_id, source)
     where a.tenant_id = t.tenant_id and a.source = t.source
       and a.told_at = to_timestamp($3::double precision / 1000)`,
    [tenantIds, sources, now],
  )
}

export type Mapped = { readonly tenantId: string; readonly source: string; readonly intervalMs: number }

/** Sources without an event for longer than their interval, whose silence is not yet recorded. */
export const findSilent = (sql: Sql, mapped: readonly Mapped[], now: number) =>
  sql.query<SourceActivityEntry>(
    `select a.tenant_id as "tenantId", a.source, a.heard_at as "heardAt"
     from unnest($1::text[], $2::text[], $3::double precision[]) as m (tenant_id, source, interval_ms)
     join scoring.source_activity a on a.tenant_id = m.tenant_id and a.source = m.source
     where a.heard_at <= to_timestamp(($4::double precision - m.interval_ms) / 1000) and not exists (
       select from scoring.source_silence s
       where s.tenant_id = a.tenant_id and s.source = a.source and s.until_at is null)`,
    [mapped.map((one) => one.tenantId), mapped.map((one) => one.source), mapped.map((one) => one.intervalMs), now],
  )

/** Sources with a recorded silence that sent an event since. */
export const findActiveAgain = (sql: Sql) =>
  sql.query<SourceActivityEntry>(
    `select a.tenant_id as "tenantId", a.source, a.heard_at as "heardAt"
     from scoring.source_silence s join scoring.source_activity a on a.tenant_id = s.tenant_id and a.source = s.source
     where s.until_at is null and a.heard_at > s.heard_at`,
  )

/** Answers false if a silence was already recorded. */
export const openSilence = async (
  tx: Sql,
  silent: SourceActivityEntry,
  fromAt: number,
  revision: number,
): Promise<boolean> => {
  const rows = await tx.query(
    `insert into scoring.source_silence (tenant_id, source, heard_at, from_at, revision)
     values ($1, $2, to_timestamp($3::double precision / 1000), to_timestamp($4::double precision / 1000), $5)
     on conflict do nothing returning 1`,
    [silent.tenantId, silent.source, silent.heardAt, fromAt, revision],
  )
  return rows.length > 0
}

/** Answers false if the silence was already closed. Never ends it before its begin. */
export const closeSilence = async (
  tx: Sql,
  entries: { readonly tenantId: string; readonly source: string },
  untilAt: number,
  revision: number,
): Promise<boolean> => {
  const rows = await tx.query(
    `update scoring.source_silence
     set until_at = greatest(from_at, to_timestamp($3::double precision / 1000)), revision = $4
     where tenant_id = $1 and source = $2 and until_at is null returning 1`,
    [entries.tenantId, entries.source, untilAt, revision],
  )
  return rows.length > 0
}
