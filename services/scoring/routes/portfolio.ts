import { z } from 'zod'
import { bandSchema, stageSchema } from '#libs/contracts/account-health.ts'
import type { WorkSlots } from '#libs/http/limits/work-slots.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database } from '#libs/postgres/database.ts'
import { portfolioOf } from '../core/insights/portfolio.ts'
import { loadPortfolio } from '../queries/portfolio-store.ts'
import type { AccountProjector } from '../queries/project-accounts.ts'

const count = z.object({ accounts: z.int(), mrr: z.number() })

const portfolioSchema = z
  .object({
    accounts: z.int().describe('Accounts that have not churned; all figures except `stages` are over these'),
    scored: z.int(),
    meanScore: z.number().nullable(),
    mrrWeightedScore: z.number().nullable().describe('Over the accounts with a score and an MRR above 0'),
    mrr: z.number().nullable().describe('Minor units; null while no account has one'),
    mrrAtRisk: z.number().nullable().describe('MRR in the bands at_risk and critical'),
    bands: z.record(bandSchema, count),
    stages: z.record(stageSchema, count),
  })
  .meta({
    id: 'Portfolio',
    examples: [
      {
        accounts: 120,
        scored: 112,
        meanScore: 71.25,
        mrrWeightedScore: 74.5,
        mrr: 14_400_000,
        mrrAtRisk: 1_250_000,
        bands: {
          healthy: { accounts: 60, mrr: 9_000_000 },
          watch: { accounts: 40, mrr: 3_900_000 },
          at_risk: { accounts: 10, mrr: 1_000_000 },
          critical: { accounts: 2, mrr: 250_000 },
          insufficient_data: { accounts: 8, mrr: 250_000 },
        },
        stages: {
          onboarding: { accounts: 15, mrr: 1_500_000 },
          adoption: { accounts: 80, mrr: 9_900_000 },
          renewal: { accounts: 25, mrr: 3_000_000 },
          churned: { accounts: 12, mrr: 0 },
        },
      },
    ],
  })

export const portfolioRoutes = ({
  database,
  projector,
  listSlots,
}: {
  readonly database: Database
  readonly projector: AccountProjector
  readonly listSlots: WorkSlots
}) =>
  routes((app) => {
    app.get(
      '/v1/portfolio',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'getPortfolio',
          summary: 'The whole portfolio: scores, recurring revenue at risk, accounts by band and stage',
          tags: ['portfolio'],
          response: { 200: portfolioSchema },
        },
      },
      async ({ principal }) => {
        await projector.catchUp()
        const { tenantId } = principal
        return portfolioOf(await listSlots(tenantId, () => loadPortfolio(database, tenantId)))
      },
    )
  })
