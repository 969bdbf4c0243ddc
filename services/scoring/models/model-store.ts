import type { Sql } from '#libs/postgres/database.ts'

/** What of the catalog changed after a revision. */
export type ChangedModel = {
  readonly tenant_id: string
  readonly model_id: string
  /** Null: withdrawn. */
  readonly version: number | null
  /** Null: the shipped one, or withdrawn. */
  readonly source: string | null
}

export type ChangedSilence = {
  readonly tenant_id: string
  readonly source: string
  readonly heard_at: number
  readonly from_at: number
  readonly until_at: number | null
}

export const currentRevision = async (sql: Sql): Promise<number> => {
  const [row] = await sql.query<{ value: number }>('select value from scoring.revision')
  return row!.value
}

/** Takes the next revision; whoever takes one after it waits until this transaction is over. */
export const nextRevision = async (tx: Sql): Promise<number> => {
  const [row] = await tx.query<{ value: number }>('update scoring.revision set value = value + 1 returning value')
  return row!.value
}

export const changedModels = (sql: Sql, after: number) =>
  sql.query<ChangedModel>(
    `select l.tenant_id, l.model_id, l.version, v.source from scoring.live_model l
     left join scoring.model_version v
       on v.tenant_id = l.tenant_id and v.model_id = l.model_id and v.version = l.version
     where l.revision > $1`,
    [after],
  )

export const changedSilences = (sql: Sql, after: number) =>
  sql.query<ChangedSilence>(
    `select tenant_id, source, heard_at, from_at, until_at from scoring.source_silence where revision > $1`,
    [after],
  )

export type ModelKey = { readonly tenantId: string; readonly modelId: string; readonly version: number }

export const loadModelSources = (sql: Sql, keys: readonly ModelKey[]) =>
  sql.query<{ tenant_id: string; model_id: string; version: number; source: string }>(
    `select v.tenant_id, v.model_id, v.version, v.source
     from unnest($1::text[], $2::text[], $3::int[]) as k (tenant_id, model_id, version)
     join scoring.model_version v
       on v.tenant_id = k.tenant_id and v.model_id = k.model_id and v.version = k.version`,
    [keys.map((key) => key.tenantId), keys.map((key) => key.modelId), keys.map((key) => key.version)],
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

/** A tenant's own versions, by id and number. */
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

/** The number of the newest version of a model of the tenant's own; 0 when there is none. */
export const newestVersion = async (sql: Sql, tenantId: string, modelId: string): Promise<number> => {
  const [row] = await sql.query<{ version: number }>(
    'select coalesce(max(version), 0) as version from scoring.model_version where tenant_id = $1 and model_id = $2',
    [tenantId, modelId],
  )
  return row!.version
}

type NewVersion = ModelKey & {
  readonly name: string
  readonly priority: number | null
  readonly source: string
  readonly author: string
}

/** False when somebody else has just taken that number. */
export const insertModelVersion = async (tx: Sql, given: NewVersion): Promise<boolean> => {
  const rows = await tx.query(
    `insert into scoring.model_version (tenant_id, model_id, version, name, priority, source, author)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning 1`,
    [given.tenantId, given.modelId, given.version, given.name, given.priority, given.source, given.author],
  )
  return rows.length > 0
}

/** The live versions of a tenant, of models that have ever been published: null for those withdrawn. */
export const liveVersions = (sql: Sql, tenantId: string) =>
  sql.query<{ modelId: string; version: number | null }>(
    'select model_id as "modelId", version from scoring.live_model where tenant_id = $1',
    [tenantId],
  )

/** Makes a version live (null: none) from `revision` on. */
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
