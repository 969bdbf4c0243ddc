import { z } from 'zod'
import { bandSchema, FACTS_EXAMPLE, factsSchema, stageSchema } from '#libs/contracts/account-health.ts'
import { errors, notFound } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import { toInstant } from '#libs/runtime/clock.ts'
import { groupsOf } from '../../core/evaluation/measurements.ts'
import type { AccountView, AccountViews } from '../../queries/account-views.ts'
import { overrideSchema } from './account-override.ts'
import { accountParams } from './account-params.ts'
import { instantParameter, readInstant } from './instant-parameter.ts'
import { OUTLOOK_EXAMPLE, outlookFields, toOutlook } from './outlook-schema.ts'

const windowSchema = z.object({ days: z.int(), from: z.string(), to: z.string() })

const factorSchema = z.object({
  factor: z.string(),
  status: z.enum(['measured', 'no_data', 'stale']),
  value: z.number().nullable(),
  points: z.number().nullable(),
  weight: z.number().describe('Weight within the group'),
  freshness: z.number(),
  contribution: z.number(),
  window: windowSchema.nullable(),
})

const groupSchema = z.object({
  group: z.string(),
  weight: z.number().describe('Effective share of the total, percent'),
  points: z.number().nullable(),
  contribution: z.number(),
  factors: z.array(factorSchema),
})

const HEALTH_EXAMPLE = {
  accountId: 'acme',
  at: '2026-11-22T10:00:00.000Z',
  score: 73.5839,
  computedScore: 73.5839,
  band: 'watch',
  confidence: 0.855,
  stage: 'adoption',
  model: { id: 'default', version: 1 },
  sequence: 42,
  groups: [
    {
      group: 'usage',
      weight: 36.8421,
      points: 71.1563,
      contribution: 26.2155,
      factors: [
        {
          factor: 'usage.active_ratio',
          status: 'measured',
          value: 0.45,
          points: 75,
          weight: 35,
          freshness: 1,
          contribution: 9.6711,
          window: { days: 28, from: '2026-10-26', to: '2026-11-22' },
        },
      ],
    },
  ],
  caps: [],
  override: null,
  facts: FACTS_EXAMPLE,
  ...OUTLOOK_EXAMPLE,
}

const healthSchema = z
  .object({
    accountId: z.string(),
    at: z.iso.datetime(),
    score: z.number().nullable(),
    computedScore: z.number().nullable().describe('After caps, before an override'),
    band: bandSchema,
    confidence: z.number(),
    stage: stageSchema,
    model: z.object({ id: z.string(), version: z.int() }),
    sequence: z.int(),
    groups: z.array(groupSchema),
    caps: z.array(z.object({ cap: z.string(), limit: z.number(), delta: z.number() })),
    override: overrideSchema.nullable(),
    facts: factsSchema,
    ...outlookFields.shape,
  })
  .meta({ id: 'Health', examples: [HEALTH_EXAMPLE] })

const toHealth = (
  accountId: string,
  { evaluation, facts, model, outlook }: AccountView,
): z.infer<typeof healthSchema> => ({
  accountId,
  at: toInstant(evaluation.at),
  score: evaluation.score,
  computedScore: evaluation.computedScore,
  band: evaluation.band,
  confidence: evaluation.confidence,
  stage: evaluation.stage,
  model,
  sequence: facts.sequence,
  groups: groupsOf(evaluation).map((group) => ({ ...group, factors: [...group.factors] })),
  caps: [...evaluation.caps],
  override:
    evaluation.override === null
      ? null
      : {
          ...evaluation.override,
          setAt: toInstant(evaluation.override.setAt),
          expiresAt: toInstant(evaluation.override.expiresAt),
        },
  facts,
  ...toOutlook(outlook),
})

export const accountHealthRoutes = ({ views }: { readonly views: AccountViews }) =>
  routes((app) => {
    app.get(
      '/v1/accounts/:accountId/health',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'getAccountHealth',
          summary: 'The score with all its parts; with `at`, as of that instant, from the retained events',
          tags: ['accounts'],
          params: accountParams,
          querystring: z.object({ at: instantParameter }),
          response: { 200: healthSchema, ...errors(404, 409, 422) },
        },
      },
      async ({ params, query, principal }) => {
        const key = { tenantId: principal.tenantId, accountId: params.accountId }
        const view = query.at === undefined ? await views.now(key) : await views.asOf(key, readInstant('at', query.at))
        if (view === undefined) throw notFound('account')
        return toHealth(params.accountId, view)
      },
    )
  })
