import { z } from 'zod'
import {
  type AccountHealth,
  accountHealthSchema,
  explanationLineSchema,
  FACTS_EXAMPLE,
} from '#libs/contracts/account-health.ts'
import type { WorkSlots } from '#libs/http/limits/work-slots.ts'
import { decodeCursor, encodeCursor, pageQuery, pageSchema } from '#libs/http/pages.ts'
import { errors } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database } from '#libs/postgres/database.ts'
import { listChanges } from '../../log/history-store.ts'
import { requireAccount } from '../../queries/account-list-store.ts'
import { accountParams } from './account-params.ts'

const CHANGE_EXAMPLE = {
  changeId: '9b2d5b1e-27f5-5d7c-9a5e-0d5f4f0f6a11',
  accountId: 'acme',
  sequence: 42,
  at: '2026-11-22T10:00:00.000Z',
  model: { id: 'default', version: 1 },
  backfill: false,
  health: {
    score: 73.5839,
    previousScore: 75.1,
    computedScore: 73.5839,
    band: 'healthy',
    previousBand: 'healthy',
    confidence: 0.855,
    stage: 'adoption',
    previousStage: 'adoption',
  },
  cause: 'events',
  explanation: [
    {
      factor: 'usage.trend',
      delta: -1.5161,
      pointsBefore: 60,
      pointsAfter: 50,
      before: 0.86,
      after: 0.8,
      window: null,
      cause: 'events',
      evidence: ['evt-1'],
    },
  ],
  facts: FACTS_EXAMPLE,
  stepsCompleted: [],
}

const changeSchema = accountHealthSchema
  .omit({ tenantId: true, traits: true, evidence: true, explanation: true })
  .extend({
    explanation: z.array(
      explanationLineSchema.extend({ evidence: z.array(z.string()).describe('Ids of up to 5 events that caused it') }),
    ),
  })
  .meta({ id: 'Change', examples: [CHANGE_EXAMPLE] })

const toChange = ({ tenantId, traits, evidence, ...change }: AccountHealth): z.infer<typeof changeSchema> => ({
  ...change,
  explanation: change.explanation.map((line) => ({ ...line, evidence: evidence[line.cause] ?? [] })),
})

type Deps = { readonly database: Database; readonly pageSlots: WorkSlots }

export const accountChangeRoutes = ({ database, pageSlots }: Deps) =>
  routes((app) => {
    app.get(
      '/v1/accounts/:accountId/changes',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'listAccountChanges',
          summary: 'Every change with its explanation, newest first',
          tags: ['accounts'],
          params: accountParams,
          querystring: z.object(pageQuery),
          response: { 200: pageSchema(changeSchema), ...errors(404) },
        },
      },
      async ({ params, query, principal }) => {
        const key = { tenantId: principal.tenantId, accountId: params.accountId }
        await requireAccount(database, key)
        const beforeSequence = decodeCursor(z.number().int(), query.cursor)
        const { changes, hasMore } = await pageSlots(key.tenantId, () =>
          listChanges(database, key, { beforeSequence, limit: query.limit }),
        )
        return { items: changes.map(toChange), nextCursor: hasMore ? encodeCursor(changes.at(-1)?.sequence) : null }
      },
    )
  })
