import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'

/** Sums over the direct children of an account: the accounts whose trait `parentId` is its id. */
export type RollUp = {
  readonly children: number
  /** Children with a score; all figures below except `mrr` are over these. */
  readonly scored: number
  readonly meanScore: number | null
  /** Over the children with a score and an MRR above 0. */
  readonly mrrWeightedScore: number | null
  readonly worst: { readonly accountId: string; readonly score: number } | null
  /** Over all children, minor units. */
  readonly mrr: number | null
}

/** Null for an account without children. */
export const loadRollUp = async (sql: Sql, { tenantId, accountId }: AccountKey): Promise<RollUp | null> => {
  const [row] = await sql.query<RollUp>(
    `with child as (
       select a.account_id, a.score, a.mrr
       from scoring.account_profile p
       join scoring.account a on a.tenant_id = p.tenant_id and a.account_id = p.account_id
       where p.tenant_id = $1 and p.parent_id = $2 and p.account_id <> $2
     ), worst as (
       select account_id as "accountId", score from child where score is not null order by score, account_id limit 1
     )
     select count(*) as children, count(score) as scored, avg(score) as "meanScore",
       sum(score * mrr) filter (where mrr > 0) / nullif(sum(mrr) filter (where mrr > 0 and score is not null), 0)
         as "mrrWeightedScore",
       sum(mrr) as mrr, (select to_jsonb(worst) from worst) as worst
     from child`,
    [tenantId, accountId],
  )
  return row!.children === 0 ? null : row!
}
