import type { AccountKey } from '#libs/contracts/topics.ts'
import { notFound } from '#libs/http/problems/problem.ts'
import type { Sql } from '#libs/postgres/database.ts'

export type AccountSummaryRow = {
  readonly accountId: string
  readonly name: string | null
  readonly ownerId: string | null
  readonly traits: Record<string, unknown> | null
  readonly score: number | null
  readonly band: string
  readonly confidence: number
  readonly stage: string
  readonly mrr: number | null
  readonly scoreDelta7d: number | null
  readonly scoreDelta28d: number | null
  readonly renewalDay: number | null
  readonly sequence: number
  readonly evaluatedAt: number
}

/** Columns of a summary; `l` and `p` are the tables with the score and with the profile. */
const columns = (l: string, p: string) => `${l}.account_id as "accountId", ${p}.name, ${p}.owner_id as "ownerId",
  ${p}.traits, ${l}.score, ${l}.band, ${l}.confidence, ${l}.stage, ${p}.mrr, ${l}.score_delta_7d as "scoreDelta7d",
  ${l}.score_delta_28d as "scoreDelta28d", ${p}.renewal_day as "renewalDay", ${l}.sequence, ${l}.evaluated_at as "evaluatedAt"`
const LISTED = `scoring.account_list l
  join scoring.account_profile p on p.tenant_id = l.tenant_id and p.account_id = l.account_id`

/** Sort keys of the API with their column, and the id column of the same index for ties. */
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

export const sortValueOf = (row: AccountSummaryRow, sort: SortKey): number | string | null =>
  sort === 'renewalDate' ? row.renewalDay : row[sort]

export type AccountFilter = {
  readonly band: string | undefined
  readonly stage: string | undefined
  readonly owner: string | undefined
  /** Words in name or id, any case; a text of less than `TRIGRAM` characters must begin a word. */
  readonly q: string | undefined
  readonly minScore: number | undefined
  readonly maxScore: number | undefined
  readonly traits: Readonly<Record<string, string>>
}

export type AccountPage = {
  readonly sort: SortKey
  readonly descending: boolean
  /** Sort value and id of the last account on the previous page. */
  readonly after: { readonly value: number | string | null; readonly accountId: string } | undefined
  readonly limit: number
}

type Param = (value: unknown) => string

/** A shorter text has no trigram, unless it begins a word. */
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

/** The trait as text, or as the number or boolean that this text spells. */
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

/** Accounts without the sort value come last, by a second index scan. A test inspects the plan. */
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
    `(select ${columns('l', 'p')} from ${LISTED} where ${[...where, ...extra].join(' and ')} order by ${order} limit ${limit})`
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

/** Throws 404 for an account unknown to the tenant. */
export const requireAccount = async (sql: Sql, key: AccountKey): Promise<AccountSummaryRow> => {
  const [row] = await sql.query<AccountSummaryRow>(
    `select ${columns('a', 'a')} from scoring.account a where a.tenant_id = $1 and a.account_id = $2`,
    [key.tenantId, key.accountId],
  )
  if (row === undefined) throw notFound('account')
  return row
}
