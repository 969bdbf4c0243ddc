import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'

/** Accounts whose trait `parentId` names an account, together. An account is never its own child; children of children do not count. */
export type RollUp = {
  readonly children: number
  /** With a score; the others are left out of the figures below, but for `mrr`. */
  readonly scored: number
  readonly meanScore: number | null
  /** Over the children that have both. */
  readonly mrrWeightedScore: number | null
  readonly worst: { readonly accountId: string; readonly score: number } | null
  /** Of all children that have one, minor units. */
  readonly mrr: number | null
}

type Row = {
  readonly children: number
  readonly scored: number
  readonly mean: number | null
  readonly weighted: number | null
  readonly worst_id: string | null
  readonly worst_score: number | null
  readonly mrr: number | null
}

/** Null for who has no children. */
export const loadRollUp = async (sql: Sql, { tenantId, accountId }: AccountKey): Promise<RollUp | null> => {
  const [row] = await sql.query<Row>(
    `with child as (
       select a.account_id, a.score, a.mrr
       from scoring.account_profile p
       join scoring.account a on a.tenant_id = p.tenant_id and a.account_id = p.account_id
       where p.tenant_id = $1 and p.parent_id = $2 and p.account_id <> $2
     ), worst as (
       select account_id, score from child where score is not null order by score, account_id limit 1
     )
     select count(*) as children, count(score) as scored, avg(score) as mean,
       sum(score * mrr) filter (where mrr > 0) / nullif(sum(mrr) filter (where mrr > 0 and score is not null), 0) as weighted,
       sum(mrr) as mrr, (select account_id from worst) as worst_id, (select score from worst) as worst_score
     from child`,
    [tenantId, accountId],
  )
  const { children, scored, mean, weighted, worst_id, worst_score, mrr } = row!
  if (children === 0) return null
  return {
    children,
    scored,
    meanScore: mean,
    mrrWeightedScore: weighted,
    worst: worst_id === null ? null : { accountId: worst_id, score: worst_score! },
    mrr,
  }
}
