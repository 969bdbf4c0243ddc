import { recordAudit } from '#libs/access/audit-store.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import type { StoredUrl } from './sealed-url.ts'

type Answered = StoredUrl & { readonly endpointId: string; readonly tenantId: string }

/** The actor of what the service does by itself. */
const PULSO = { keyId: 'pulso', name: 'pulso' }

/** An endpoint whose URL was changed since the call stays as it is: another URL has answered. */
export const verifyEndpoint = (
  database: Database,
  { endpointId, tenantId, url, urlSealed }: Answered,
  now: number,
): Promise<boolean> =>
  database.transaction(async (tx) => {
    const rows = await tx.query(
      `update alerting.webhook_endpoint set verified_at = to_timestamp($2::double precision / 1000)
        where endpoint_id = $1 and verified_at is null and state = 'enabled'
          and url = $3 and url_sealed is not distinct from $4
        returning 1`,
      [endpointId, now, url, urlSealed],
    )
    if (rows.length === 0) return false
    await recordAudit(tx, { tenantId, ...PULSO }, { action: 'webhook_endpoint.verified', subject: endpointId })
    return true
  })

export const unverifyEndpoint = async (tx: Sql, endpointId: string): Promise<void> => {
  await tx.query('update alerting.webhook_endpoint set verified_at = null where endpoint_id = $1', [endpointId])
}

/** Where endpoints need no verification, none may be left that waits for it. */
export const verifyAll = async (sql: Sql, now: number): Promise<void> => {
  await sql.query(
    `update alerting.webhook_endpoint set verified_at = to_timestamp($1::double precision / 1000)
      where verified_at is null`,
    [now],
  )
}
