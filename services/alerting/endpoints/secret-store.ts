import type { Sealer } from '#libs/access/seal-secret.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { newId } from '#libs/runtime/ids.ts'

type NewSecret = { readonly endpointId: string; readonly sealed: Buffer; readonly now: number }

/** Adds a signing secret. Former ones stop signing at `formerExpireAt` or earlier. */
export const addSecret = async (
  tx: Sql,
  { endpointId, sealed, now }: NewSecret,
  formerExpireAt: number,
): Promise<void> => {
  await tx.query(
    `update alerting.webhook_secret
        set expires_at = least(expires_at, to_timestamp($2::double precision / 1000)) where endpoint_id = $1`,
    [endpointId, formerExpireAt],
  )
  await tx.query(
    `delete from alerting.webhook_secret
      where endpoint_id = $1 and expires_at <= to_timestamp($2::double precision / 1000)`,
    [endpointId, now],
  )
  await tx.query(
    `insert into alerting.webhook_secret (secret_id, endpoint_id, sealed, created_at)
     values ($1, $2, $3, to_timestamp($4::double precision / 1000))`,
    [newId(), endpointId, sealed, now],
  )
}

export const countSecrets = async (tx: Sql, endpointId: string, now: number): Promise<number> => {
  const [row] = await tx.query<{ count: number }>(
    `select count(*) as count from alerting.webhook_secret
      where endpoint_id = $1 and (expires_at is null or expires_at > to_timestamp($2::double precision / 1000))`,
    [endpointId, now],
  )
  return row!.count
}

/** Seals secrets of a former key with the current one; returns their number. */
export const resealSecrets = async (sql: Sql, sealer: Sealer, limit: number): Promise<number> => {
  const rows = await sql.query<{ secretId: string; endpointId: string; sealed: Buffer }>(
    `select secret_id as "secretId", endpoint_id as "endpointId", sealed from alerting.webhook_secret
      where substring(sealed for 4) <> $1 limit $2`,
    [sealer.keyId, limit],
  )
  let resealed = 0
  for (const { secretId, endpointId, sealed } of rows) {
    const secret = sealer.open(sealed, endpointId)
    if (!secret) continue
    resealed++
    await sql.query('update alerting.webhook_secret set sealed = $2 where secret_id = $1 and sealed = $3', [
      secretId,
      sealer.seal(secret, endpointId),
      sealed,
    ])
  }
  return resealed
}
