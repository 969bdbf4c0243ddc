import type { AccountKey } from '#libs/contracts/topics.ts'
import { notFound } from '#libs/http/problems/problem.ts'
import type { Sql } from '#libs/postgres/database.ts'

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

const COLUMNS = `l.account_id, p.name, p.owner_id, p.traits, l.score, l.band, l.confidence, l.stage, p.mrr, l.score_delta_7d,
  l.score_delta_28d, p.renewal_day, l.sequence, l.evaluated_at`
const LISTED = `scoring.account_list l
  join scoring.account_profile p on p.tenant_id = l.tenant_id and p.account_id = l.account_id`

/** Sort keys of the API: their columns, and those by which the index orders accounts of one value. Nothing a caller writes reaches the SQL text. */
const SORT_COLUMNS = {
  score: { column: 'l.score', id: 'l.account_id' },
  scoreDelta7d: { column: 'l.score_delta_7d', id: 'l.account_id' },
  scoreDelta28d: { column: 'l.score_delta_28d', id: 'l.account_id' },
  mrr: { column: 'p.mrr', id: 'p.account_id' },
  renewalDate: { column: 'p.renewal_day', id: 'p.account_id' },
  accountId: { column: 'l.account_id', id: 'l.account_id' },
} as const
export type SortKey = keyof typeof SORT_COLUMNS
export const SORT_KEYS = Object.keys(SORT_COLUMNS) as SortKey[]

export const sortValueOf = (row: AccountSummaryRow, sort: SortKey): number | string | null => {
  switch (sort) {
    case 'score':
      return row.score
    case 'scoreDelta7d':
      return row.score_delta_7d
    case 'scoreDelta28d':
      return row.score_delta_28d
    case 'mrr':
      return row.mrr
    case 'renewalDate':
      return row.renewal_day
    case 'accountId':
      return row.account_id
  }
}

export type AccountFilter = {
  readonly band: string | undefined
  readonly stage: string | undefined
  readonly owner: string | undefined
  /** Words that name or id hold, any case. One of less than three characters must begin a word there. */
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

type Param = (value: unknown) => string

/** Shorter texts hold no trigram unless they begin a word. */
const TRIGRAM = 3

const wordConditions = (q: string, param: Param): string[] =>
  q
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => {
      const text = word.replace(/[\\%_]/g, '\\$&')
      return `p.search like lower(${param([...word].length < TRIGRAM ? `% ${text}%` : `%${text}%`)})`
    })

const NUMBER_OR_TRUTH = /^(true|false|-?(0|[1-9]\d*)(\.\d+)?)$/

/** A trait of that text, or of the number or truth value that is written so. */
const traitCondition = (name: string, value: string, param: Param): string => {
  const holds = (json: string): string => `p.traits @> ${param(`{${JSON.stringify(name)}:${json}}`)}::jsonb`
  const asText = holds(JSON.stringify(value))
  return NUMBER_OR_TRUTH.test(value) ? `(${asText} or ${holds(value)})` : asText
}

const conditions = (filter: AccountFilter, param: Param): string[] => {
  const { band, stage, owner, q, minScore, maxScore, traits } = filter
  return [
    ...(band === undefined ? [] : [`l.band = ${param(band)}`]),
    ...(stage === undefined ? [] : [`l.stage = ${param(stage)}`]),
    ...(owner === undefined ? [] : [`p.owner_id = ${param(owner)}`]),
    ...(minScore === undefined ? [] : [`l.score >= ${param(minScore)}`]),
    ...(maxScore === undefined ? [] : [`l.score <= ${param(maxScore)}`]),
    ...(q === undefined ? [] : wordConditions(q, param)),
    ...Object.entries(traits).map(([name, value]) => traitCondition(name, value, param)),
  ]
}

/**
 * Accounts without the sort value come last, in either direction: two walks of one index, first of those that have it. The second
 * begins only when the first did not fill the page. Answers the statement so that a test can look at its plan.
 */
export const accountListQuery = (
  tenantId: string,
  filter: AccountFilter,
  page: AccountPage,
): { readonly text: string; readonly params: readonly unknown[] } => {
  const params: unknown[] = []
  const param: Param = (value) => `$${params.push(value)}`
  const { column, id } = SORT_COLUMNS[page.sort]
  const direction = page.descending ? 'desc' : 'asc'
  const beyond = page.descending ? '<' : '>'
  const where = [`${id.replace('account_id', 'tenant_id')} = ${param(tenantId)}`, ...conditions(filter, param)]
  const limit = param(page.limit)
  const { after } = page
  const walk = (extra: readonly string[], order: string): string =>
    `(select ${COLUMNS} from ${LISTED} where ${[...where, ...extra].join(' and ')} order by ${order} limit ${limit})`
  const afterId = () => (after === undefined ? [] : [`${id} ${beyond} ${param(after.accountId)}`])
  if (page.sort === 'accountId') return { text: walk(afterId(), `${id} ${direction}`), params }
  const walks: string[] = []
  if (after === undefined || after.value !== null) {
    const known =
      after === undefined
        ? `${column} is not null`
        : `(${column}, ${id}) ${beyond} (${param(after.value)}, ${param(after.accountId)})`
    walks.push(walk([known], `${column} ${direction}, ${id} ${direction}`))
  }
  walks.push(walk([`${column} is null`, ...(after?.value === null ? afterId() : [])], `${id} ${direction}`))
  return { text: `select * from (${walks.join(' union all ')}) as list limit ${limit}`, params }
}

export const listAccounts = (sql: Sql, tenantId: string, filter: AccountFilter, page: AccountPage) => {
  const { text, params } = accountListQuery(tenantId, filter, page)
  return sql.query<AccountSummaryRow>(text, params)
}

/** Throws a 404 for an account the tenant does not have. */
export const requireAccount = async (sql: Sql, key: AccountKey): Promise<AccountSummaryRow> => {
  const [row] = await sql.query<AccountSummaryRow>(
    `select account_id, name, owner_id, traits, score, band, confidence, stage, mrr, score_delta_7d, score_delta_28d, renewal_day,
       sequence, evaluated_at
     from scoring.account where tenant_id = $1 and account_id = $2`,
    [key.tenantId, key.accountId],
  )
  if (row === undefined) throw notFound('account')
  return row
}
