import type { Sql } from '#libs/postgres/database.ts'

export type Tenant = { readonly id: string; readonly name: string; readonly createdAt: number }

/** False when the id is taken. */
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

export const listTenants = (
  sql: Sql,
  page: { readonly limit: number; readonly afterId: string },
): Promise<readonly Tenant[]> =>
  sql.query<Tenant>(
    `select id, name, created_at as "createdAt" from access.tenant where id > $1 collate "C" order by id collate "C" limit $2`,
    [page.afterId, page.limit + 1],
  )
