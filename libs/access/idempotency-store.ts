import type { Sql } from '#libs/postgres/database.ts'

export type StoredAnswer = { readonly requestHash: Buffer; readonly status: number; readonly sealed: Buffer }

/** Locks until the transaction ends. False when another request with this key is under way. */
export const lockAnswer = async (tx: Sql, answerId: string): Promise<boolean> => {
  const [row] = await tx.query<{ locked: boolean }>(
    'select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as locked',
    [answerId],
  )
  return row!.locked
}

export const findAnswer = async (tx: Sql, tenantId: string, answerId: string): Promise<StoredAnswer | undefined> => {
  const [row] = await tx.query<StoredAnswer>(
    `select request_hash as "requestHash", status, sealed from access.idempotent_answer
      where tenant_id = $1 and answer_id = $2 and created_at > now() - interval '24 hours'`,
    [tenantId, answerId],
  )
  return row
}

/** Keeps an answer, and deletes a few that are older than a day, so that no other job has to. */
export const saveAnswer = async (
  tx: Sql,
  { tenantId, answerId }: { readonly tenantId: string; readonly answerId: string },
  { requestHash, status, sealed }: StoredAnswer,
): Promise<void> => {
  await tx.query(
    `delete from access.idempotent_answer where answer_id in (
       select answer_id from access.idempotent_answer where created_at <= now() - interval '24 hours'
        order by created_at limit 20 for update skip locked)`,
  )
  await tx.query(
    `insert into access.idempotent_answer (answer_id, tenant_id, request_hash, status, sealed) values ($1, $2, $3, $4, $5)
     on conflict (answer_id) do update set
       request_hash = excluded.request_hash, status = excluded.status, sealed = excluded.sealed, created_at = now()`,
    [answerId, tenantId, requestHash, status, sealed],
  )
}
