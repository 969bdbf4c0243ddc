import type { Sql } from '#libs/postgres/database.ts'
import type { CohortDays } from '../core/journey/journey-eta.ts'

export type Cohort = { readonly newest: number; readonly minimum: number }

/** Days that the newest completions of a journey took; null below the minimum count. */
export const loadCohort = async (
  sql: Sql,
  tenantId: string,
  journeyId: string,
  { newest, minimum }: Cohort,
): Promise<CohortDays | null> => {
  const [row] = await sql.query<CohortDays & { readonly count: number }>(
    `select count(*) as count, percentile_cont(0.25) within group (order by days) as "p25Days",
       percentile_cont(0.5) within group (order by days) as "medianDays",
       percentile_cont(0.75) within group (order by days) as "p75Days"
     from (
       select days from scoring.onboarding_completion where tenant_id = $1 and journey_id = $2
       order by completed_at desc limit $3) completions`,
    [tenantId, journeyId, newest],
  )
  const { count, ...days } = row!
  return count < minimum ? null : days
}
