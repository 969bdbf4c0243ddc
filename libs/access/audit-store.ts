import type { Sql } from '#libs/postgres/database.ts'
import type { Principal } from './keyring.ts'

export type AuditEntry = {
  /** `<noun>.<verb>`: `key.created`, `rule.changed`. */
  readonly action: string
  /** Id of the thing that was changed. */
  readonly subject: string
  /** The change, for people. Never secrets. */
  readonly detail?: Readonly<Record<string, unknown>>
}

type Author = Pick<Principal, 'tenantId' | 'keyId' | 'name'>

/** Call it in the transaction of the change, so that no change is without its row. */
export const recordAudit = async (tx: Sql, by: Author, entry: AuditEntry): Promise<void> => {
  await tx.query(
    `insert into access.audit (tenant_id, key_id, actor, action, subject, detail) values ($1, $2, $3, $4, $5, $6::jsonb)`,
    [by.tenantId, by.keyId, by.name, entry.action, entry.subject, JSON.stringify(entry.detail ?? {})],
  )
}

export type AuditRow = {
  readonly id: number
  readonly at: number
  readonly keyId: string
  readonly actor: string
  readonly action: string
  readonly subject: string
  readonly detail: Record<string, unknown>
}

/** Newest first, below `beforeId`. */
export const listAudit = (
  sql: Sql,
  tenantId: string,
  page: { readonly limit: number; readonly beforeId: number },
): Promise<readonly AuditRow[]> =>
  sql.query<AuditRow>(
    `select id, at, key_id as "keyId", actor, action, subject, detail from access.audit
     where tenant_id = $1 and id < $2 order by id desc limit $3`,
    [tenantId, page.beforeId, page.limit + 1],
  )
