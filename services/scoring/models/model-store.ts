import { countOf } from '#libs/access/assert-room.ts'
import type { Sql } from '#libs/postgres/database.ts'
import type { SourceInactivity } from '../core/evaluation/source-log.ts'

type ChangedModel = {
  readonly tenantId: string
  readonly modelId: string
  /** Null: the model was withdrawn. */
  readonly version: number | null
  /** Null: the shipped version, or the model was withdrawn. */
  readonly source: string | null
}

type ChangedSilence = SourceInactivity & { readonly tenantId: string }

export const currentRevision = async (sql: Sql): Promise<number> => {
  const [row] = await sql.query<{ value: number }>('select value from scoring.revision')
  return row!.value
}

/** Takes the next revision. Later callers wait for this transaction: revisions commit in order. */
export const nextRevision = async (tx: Sql): Promise<number> => {
  const [row] = await tx.query<{ value: number }>('update scoring.revision set value = value + 1 returning value')
  return row!.value
}

export const changedModels = (sql: Sql, after: number) =>
  sql.query<ChangedModel>(
    `select l.tenant_id as "tenantId", l.model_id as "modelId", l.version, v.source from scoring.live_model l
     left join scoring.model_version v
       on v.tenant_id = l.tenant_id and v.model_id = l.model_id and v.version = l.version
     where l.revision > $1`,
    [after],
  )

export const changedSilences = (sql: Sql, after: number) =>
  sql.query<ChangedSilence>(
    `select tenant_id as "tenantId", source, heard_at as "heardAt", from_at as "fromAt", until_at as "untilAt"
     from scoring.source_silence where revision > $1`,
    [after],
  )

export type ModelKey = { readonly tenantId: string; readonly modelId: string; readonly version: number }

export const loadModelSources = (sql: Sql, keys: readonly ModelKey[]) =>
  sql.query<ModelKey & { readonly source: string }>(
    `select v.tenant_id as "tenantId", v.model_id as "modelId", v.version, v.source
     from unnest($1::text[], $2::text[], $3::int[]) as k (tenant_id, model_id, version)
     join scoring.model_version v
       on v.tenant_id = k.tenant_id and v.model_id = k.model_id and v.version = k.version`,
    [keys.map((key) => key.tenantId), keys.map((key) => key.modelId), keys.map((key) => key.version)],
  )

/** Versions below that were live once, newest first; at most 20. */
export const loadFormerSources = (sql: Sql, { tenantId, modelId, version }: ModelKey) =>
  sql.query<{ readonly source: string }>(
    `select source from scoring.model_version
     where tenant_id = $1 and model_id = $2 and version < $3 and first_published_at is not null
     order by version desc limit 20`,
    [tenantId, modelId, version],
  )

export type ModelVersion = {
  readonly modelId: string
  readonly version: number
  readonly name: string
  readonly priority: number | null
  readonly author: string
  readonly createdAt: number
  readonly firstPublishedAt: number | null
  readonly live: boolean
}

export const listModelVersions = (sql: Sql, tenantId: string) =>
  sql.query<ModelVersion>(
    `select v.model_id as "modelId", v.version, v.name, v.priority, v.author, v.created_at as "createdAt",
       v.first_published_at as "firstPublishedAt", l.version is not null as live
     from scoring.model_version v
     left join scoring.live_model l
       on l.tenant_id = v.tenant_id and l.model_id = v.model_id and l.version = v.version
     where v.tenant_id = $1`,
    [tenantId],
  )

/** Newest version of a model that the tenant has created; 0 without any. */
export const newestVersion = async (sql: Sql, tenantId: string, modelId: string): Promise<number> => {
  const [row] = await sql.query<{ version: number }>(
    'select coalesce(max(version), 0) as version from scoring.model_version where tenant_id = $1 and model_id = $2',
    [tenantId, modelId],
  )
  return row!.version
}

/** Versions that were never published. */
export const countDrafts = (tx: Sql, tenantId: string): Promise<number> =>
  countOf(tx, 'select count(*) from scoring.model_version where tenant_id = $1 and first_published_at is null', [
    tenantId,
  ])

type NewVersion = ModelKey & {
  readonly name: string
  readonly priority: number | null
  readonly source: string
  readonly author: string
}

/** Answers false if another transaction has taken that version number. */
export const insertModelVersion = async (tx: Sql, given: NewVersion): Promise<boolean> => {
  const rows = await tx.query(
    `insert into scoring.model_version (tenant_id, model_id, version, name, priority, source, author)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning 1`,
    [given.tenantId, given.modelId, given.version, given.name, given.priority, given.source, given.author],
  )
  return rows.length > 0
}

/** The live version of each model that the tenant has ever published; null: withdrawn. */
export const liveVersions = (sql: Sql, tenantId: string) =>
  sql.query<{ modelId: string; version: number | null }>(
    'select model_id as "modelId", version from scoring.live_model where tenant_id = $1',
    [tenantId],
  )

/** Makes a version live from `revision` on; null withdraws the model. */
export const setLiveVersion = async (
  tx: Sql,
  live: { readonly tenantId: string; readonly modelId: string; readonly version: number | null },
  revision: number,
): Promise<void> => {
  const { tenantId, modelId, version } = live
  await tx.query(
    `insert into scoring.live_model (tenant_id, model_id, version, revision) values ($1, $2, $3, $4)
     on conflict (tenant_id, model_id)
     do update set version = excluded.version, revision = excluded.revision, published_at = now()`,
    [tenantId, modelId, version, revision],
  )
  await tx.query(
    `update scoring.model_version set first_published_at = coalesce(first_published_at, now())
     where tenant_id = $1 and model_id = $2 and version = $3`,
    [tenantId, modelId, version],
  )
}
