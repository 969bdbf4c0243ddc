import type { Sql } from '#libs/postgres/database.ts'
import { type ReportUnreadable, reportOfTenants } from '#libs/runtime/unreadable-documents.ts'
import { type NotificationPolicy, nextDigestAt } from '../core/alert/notification-policy.ts'
import { type PolicyDocument, readPolicy, toPolicy } from './policy-document.ts'

/** Policies of the tenants that have one, as far as this release can read them. */
export const policiesOf = async (
  sql: Sql,
  tenantIds: readonly string[],
  reportUnreadable: ReportUnreadable,
): Promise<ReadonlyMap<string, NotificationPolicy>> => {
  const rows = await sql.query<{ tenantId: string; document: unknown }>(
    'select tenant_id as "tenantId", document from alerting.notification_policy where tenant_id = any($1)',
    [tenantIds],
  )
  const read = rows.map(({ tenantId, document }) => ({ tenantId, id: tenantId, ...readPolicy(document) }))
  const unreadable = read.filter(({ problem }) => problem !== null)
  reportOfTenants(reportUnreadable, 'notification_policy', tenantIds, unreadable)
  return new Map(read.map(({ tenantId, policy }) => [tenantId, policy]))
}

/** As it is stored: `readPolicy` reads it. */
export const findPolicy = async (sql: Sql, tenantId: string): Promise<unknown> =>
  (
    await sql.query<{ document: unknown }>('select document from alerting.notification_policy where tenant_id = $1', [
      tenantId,
    ])
  )[0]?.document

/** A digest that was moved still begins where the last digest ended. */
export const savePolicy = async (tx: Sql, tenantId: string, document: PolicyDocument, now: number): Promise<void> => {
  const { digest } = toPolicy(document)
  await tx.query(
    `insert into alerting.notification_policy (tenant_id, document, updated_at, next_digest_at)
     values ($1, $2::jsonb, to_timestamp($3::double precision / 1000), to_timestamp($4::double precision / 1000))
     on conflict (tenant_id) do update
        set document = excluded.document, updated_at = excluded.updated_at, next_digest_at = excluded.next_digest_at`,
    [tenantId, JSON.stringify(document), now, digest && nextDigestAt(digest, now)],
  )
}

/** Makes accounts with alerts in quiet hours due now. Locks as `lockAccounts` does. */
export const checkOpenAccounts = async (tx: Sql, tenantId: string, now: number): Promise<void> => {
  await tx.query(
    `with open as materialized (
       select distinct account_id from alerting.alert
        where tenant_id = $1 and state <> 'resolved' and muted = 'quiet_hours' and account_id is not null),
     locked as (
       select a.account_id from alerting.account a join open using (account_id)
        where a.tenant_id = $1 order by a.account_id for update of a)
     update alerting.account as a set next_check_at = to_timestamp($2::double precision / 1000)
       from locked where a.tenant_id = $1 and a.account_id = locked.account_id`,
    [tenantId, now],
  )
}

export type DueDigest = {
  readonly tenantId: string
  /** As it is stored: `readPolicy` reads it. */
  readonly document: unknown
  readonly dueAt: number
  readonly digestedAt: number | null
}

/** Locks tenants whose digest is due. Skips tenants locked by another replica. */
export const claimDueDigests = (tx: Sql, now: number, limit: number): Promise<readonly DueDigest[]> =>
  tx.query<DueDigest>(
    `select tenant_id as "tenantId", document, next_digest_at as "dueAt", digested_at as "digestedAt"
       from alerting.notification_policy where next_digest_at <= to_timestamp($1::double precision / 1000)
      order by next_digest_at limit $2 for update skip locked`,
    [now, limit],
  )

export const digested = async (tx: Sql, tenantId: string, until: number, nextAt: number | null): Promise<void> => {
  await tx.query(
    `update alerting.notification_policy
        set digested_at = to_timestamp($2::double precision / 1000), next_digest_at = to_timestamp($3::double precision / 1000)
      where tenant_id = $1`,
    [tenantId, until, nextAt],
  )
}
