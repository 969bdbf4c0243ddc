import type { Sql } from '#libs/postgres/database.ts'
import type { CohortDays } from '../core/journey/journey-eta.ts'

export type Cohort = { readonly newest: number; readonly minimum: number }

/** How long the tenant's newest completions of a journey took, in days; null while they are fewer than the minimum. */
export const loadCohort = async (
  sql: Sql,
  tenantId: string,
  journeyId: string,
  { newest, minimum }: Cohort,
): Promise<CohortDays | null> => {
  const [row] = await sql.query<{ count: number; p25: number; median: number; p75: number }>(
    `select count(*) as count, percentile_cont(0.25) within group (order by days) as p25,
       percentile_cont(0.5) within group (order by days) as median, percentile_cont(0.75) within group (order by days) as p75
     from (
       select days from scoring.onboarding_completion where tenant_id = $1 and journey_id = $2
       order by completed_at desc limit $3) completions`,
    [tenantId, journeyId, newest],
  )
  const { count, p25, median, p75 } = row!
  return count < minimum ? null : { p25Days: p25, medianDays: median, p75Days: p75 }
}
