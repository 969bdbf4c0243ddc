import { z } from 'zod'
import { errors, notFound } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database } from '#libs/postgres/database.ts'
import { round4 } from '../../core/largest-remainder.ts'
import { requireAccount } from '../../queries/account-list-store.ts'
import type { AccountViews } from '../../queries/account-views.ts'
import { loadRollUp, type RollUp } from '../../queries/children-store.ts'
import type { AccountProjector } from '../../queries/project-accounts.ts'
import { accountParams } from './account-params.ts'
import { SUMMARY_EXAMPLE, summarySchema, toSummary } from './accounts.ts'
import { OUTLOOK_EXAMPLE, outlookFields, toOutlook } from './outlook-schema.ts'

const rollUpSchema = z
  .object({
    children: z.int(),
    scored: z.int().describe('Children with a score; means and worst are over these'),
    meanScore: z.number().nullable(),
    mrrWeightedScore: z.number().nullable().describe('Over the children with a score and an MRR above 0'),
    worst: z.object({ accountId: z.string(), score: z.number() }).nullable(),
    mrr: z.number().nullable().describe('Minor units, over all children'),
  })
  .describe('The accounts whose trait `parentId` is this account; null without any')

const accountSchema = summarySchema
  .extend({
    parentId: z.string().nullable(),
    traits: z.record(z.string(), z.unknown()),
    rollUp: rollUpSchema.nullable(),
    ...outlookFields.shape,
  })
  .meta({
    id: 'Account',
    examples: [
      {
        ...SUMMARY_EXAMPLE,
        parentId: null,
        traits: { plan: 'pro', seats: 40 },
        rollUp: {
          children: 3,
          scored: 2,
          meanScore: 61.5,
          mrrWeightedScore: 64.25,
          worst: { accountId: 'acme-fr', score: 50 },
          mrr: 240_000,
        },
        ...OUTLOOK_EXAMPLE,
      },
    ],
  })

const roundedRollUp = (rollUp: RollUp): RollUp => ({
  ...rollUp,
  meanScore: rollUp.meanScore === null ? null : round4(rollUp.meanScore),
  mrrWeightedScore: rollUp.mrrWeightedScore === null ? null : round4(rollUp.mrrWeightedScore),
})

type Deps = { readonly database: Database; readonly projector: AccountProjector; readonly views: AccountViews }

export const accountRoutes = ({ database, projector, views }: Deps) =>
  routes((app) => {
    app.get(
      '/v1/accounts/:accountId',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'getAccount',
          summary:
            'One account: identity, traits, summary, roll-up of its children, expansion readiness and renewal risk',
          tags: ['accounts'],
          params: accountParams,
          response: { 200: accountSchema, ...errors(404) },
        },
      },
      async ({ params, principal }) => {
        const key = { tenantId: principal.tenantId, accountId: params.accountId }
        const row = await requireAccount(database, key)
        await projector.catchUp()
        const [view, rollUp] = await Promise.all([views.now(key), loadRollUp(database, key)])
        if (view === undefined) throw notFound('account')
        const { parentId } = row.traits ?? {}
        return {
          ...toSummary(row),
          parentId: typeof parentId === 'string' ? parentId : null,
          traits: row.traits ?? {},
          rollUp: rollUp === null ? null : roundedRollUp(rollUp),
          ...toOutlook(view.outlook),
        }
      },
    )
  })
