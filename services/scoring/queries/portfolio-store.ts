import type { Sql } from '#libs/postgres/database.ts'
import type { PortfolioPart } from '../core/insights/portfolio.ts'

/** Sums over the tenant's listed accounts by band and stage. */
export const loadPortfolio = (sql: Sql, tenantId: string): Promise<readonly PortfolioPart[]> =>
  sql.query<PortfolioPart>(
    `select l.band, l.stage, count(*) as accounts, count(l.score) as scored, coalesce(sum(l.score), 0) as score,
       coalesce(sum(l.score * p.mrr) filter (where p.mrr > 0), 0) as "weightedScore",
       coalesce(sum(p.mrr) filter (where p.mrr > 0 and l.score is not null), 0) as "weightedMrr",
       count(p.mrr) as "withMrr", coalesce(sum(p.mrr), 0) as mrr
     from scoring.account_list l
     join scoring.account_profile p on p.tenant_id = l.tenant_id and p.account_id = l.account_id
     where l.tenant_id = $1 group by l.band, l.stage`,
    [tenantId],
  )
