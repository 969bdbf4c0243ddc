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
