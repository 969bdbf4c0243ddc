import type { Sql } from '#libs/postgres/database.ts'

export type TenantState = 'active' | 'suspended' | 'deleted'

export type Tenant = {
  readonly id: string
  readonly name: string
  readonly state: TenantState
  /** Epoch milliseconds. */
  readonly createdAt: number
}

const COLUMNS = 'id, name, state, created_at as "createdAt"'

/** False when the id is taken; the id of a deleted tenant stays taken. */
export const insertTenant = async (
  sql: Sql,
  tenant: { readonly id: string; readonly name: string },
): Promise<boolean> => {
  const rows = await sql.query(
    `insert into access.tenant (id, name) values ($1, $2) on conflict (id) do nothing returning id`,
    [tenant.id, tenant.name],
  )
  return rows.length > 0
}

/** Deleted tenants are left out. */
export const listTenants = (
  sql: Sql,
  page: { readonly limit: number; readonly afterId: string },
): Promise<readonly Tenant[]> =>
  sql.query<Tenant>(
    `select ${COLUMNS} from access.tenant
     where id > $1 collate "C" and state <> 'deleted' order by id collate "C" limit $2`,
    [page.afterId, page.limit + 1],
  )

/** Tenants that nobody made are absent. */
export const findTenantStates = async (sql: Sql, ids: readonly string[]): Promise<ReadonlyMap<string, TenantState>> => {
  const rows = await sql.query<Pick<Tenant, 'id' | 'state'>>(
    'select id, state from access.tenant where id = any($1::text[])',
    [ids],
  )
  return new Map(rows.map(({ id, state }) => [id, state]))
}

/** Locks the tenant; undefined for an unknown and for a deleted tenant. */
export const lockTenant = async (tx: Sql, id: string): Promise<Tenant | undefined> => {
  const [row] = await tx.query<Tenant>(
    `select ${COLUMNS} from access.tenant where id = $1 and state <> 'deleted' for update`,
    [id],
  )
  return row
}

export const setTenantState = async (tx: Sql, id: string, state: TenantState): Promise<void> => {
  await tx.query('update access.tenant set state = $2, state_at = now() where id = $1', [id, state])
}

/** Tenants that were deleted at least `settledMs` ago and are not erased yet, the first first. */
export const listUnerasedTenants = async (sql: Sql, settledMs: number): Promise<readonly string[]> => {
  const rows = await sql.query<{ id: string }>(
    `select id from access.tenant
     where state = 'deleted' and erased_at is null and state_at <= now() - $1 * interval '1 millisecond'
     order by state_at`,
    [settledMs],
  )
  return rows.map(({ id }) => id)
}
