import { notFound } from '#libs/http/problem.ts'
import type { Sql } from '#libs/postgres/database.ts'
import type { AccountKey } from './account-store.ts'

export type AccountSummaryRow = {
  readonly account_id: string
  readonly name: string | null
  readonly owner_id: string | null
  readonly traits: Record<string, unknown> | null
  readonly score: number | null
  readonly band: string
  readonly confidence: number
  readonly stage: string
  readonly mrr: number | null
  readonly score_delta_7d: number | null
  readonly score_delta_28d: number | null
  readonly renewal_day: number | null
  readonly sequence: number
  readonly evaluated_at: number
}

const COLUMNS = `account_id, name, owner_id, traits, score, band, confidence, stage, mrr, score_delta_7d, score_delta_28d, renewal_day,
  sequence, evaluated_at`

/** Sort keys of the API and their columns: nothing a caller writes reaches the SQL text. */
export const SORT_COLUMNS = {
  score: 'score',
  scoreDelta7d: 'score_delta_7d',
  scoreDelta28d: 'score_delta_28d',
  mrr: 'mrr',
  renewalDate: 'renewal_day',
  accountId: 'account_id',
} as const
export type SortKey = keyof typeof SORT_COLUMNS

export type AccountFilter = {
  readonly band: string | undefined
  readonly stage: string | undefined
  readonly owner: string | undefined
  /** Part of the name or the id, any case. */
  readonly q: string | undefined
  readonly minScore: number | undefined
  readonly maxScore: number | undefined
  readonly traits: Readonly<Record<string, string>>
}

export type AccountPage = {
  readonly sort: SortKey
  readonly descending: boolean
  /** Sort value and id of the last account of the page before. */
  readonly after: { readonly value: number | string | null; readonly accountId: string } | undefined
  readonly limit: number
}

/** Accounts without the sort value come last, in either direction. */
export const listAccounts = (sql: Sql, tenantId: string, filter: AccountFilter, page: AccountPage) => {
  const params: unknown[] = [tenantId]
  const param = (value: unknown): string => `$${params.push(value)}`
  const where = ['tenant_id = $1']
  if (filter.band !== undefined) where.push(`band = ${param(filter.band)}`)
  if (filter.stage !== undefined) where.push(`stage = ${param(filter.stage)}`)
  if (filter.owner !== undefined) where.push(`owner_id = ${param(filter.owner)}`)
  if (filter.minScore !== undefined) where.push(`score >= ${param(filter.minScore)}`)
  if (filter.maxScore !== undefined) where.push(`score <= ${param(filter.maxScore)}`)
  if (filter.q !== undefined) {
    const pattern = param(`%${filter.q.replace(/[\\%_]/g, '\\$&')}%`)
    where.push(`(account_id ilike ${pattern} or name ilike ${pattern})`)
  }
  for (const [name, value] of Object.entries(filter.traits)) where.push(`traits ->> ${param(name)} = ${param(value)}`)
  const column = SORT_COLUMNS[page.sort]
  const direction = page.descending ? 'desc' : 'asc'
  if (page.after !== undefined) {
    const beyond = page.descending ? '<' : '>'
    const id = param(page.after.accountId)
    if (page.after.value === null) where.push(`${column} is null and account_id ${beyond} ${id}`)
    else {
      const value = param(page.after.value)
      where.push(
        `(${column} ${beyond} ${value} or (${column} = ${value} and account_id ${beyond} ${id}) or ${column} is null)`,
      )
    }
  }
  return sql.query<AccountSummaryRow>(
    `select ${COLUMNS} from scoring.account where ${where.join(' and ')}
     order by ${column} ${direction} nulls last, account_id ${direction} limit ${param(page.limit)}`,
    params,
  )
}

/** Throws a 404 for an account the tenant does not have. */
export const requireAccount = async (sql: Sql, key: AccountKey): Promise<AccountSummaryRow> => {
  const [row] = await sql.query<AccountSummaryRow>(
    `select ${COLUMNS} from scoring.account where tenant_id = $1 and account_id = $2`,
    [key.tenantId, key.accountId],
  )
  if (row === undefined) throw notFound('account')
  return row
}
