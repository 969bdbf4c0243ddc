import { z } from 'zod'
import { bandSchema } from '#libs/contracts/account-health.ts'
import { errors } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database } from '#libs/postgres/database.ts'
import { parseModel } from '../../models/model-document.ts'
import type { PublishModel } from '../../models/publish-model.ts'
import type { PreviewModel } from '../../queries/preview-model.ts'
import { modelParams, readSource, versionParams } from './model-version.ts'

const publishedSchema = z
  .object({ modelId: z.string(), version: z.int().nullable().describe('Null: the model is withdrawn') })
  .meta({ examples: [{ modelId: 'enterprise', version: 2 }] })

const scored = z.object({ score: z.number().nullable(), band: bandSchema })
const count = z.int().min(0)
const previewSchema = z
  .object({
    modelId: z.string(),
    version: z.int(),
    accounts: count.describe('All accounts of the tenant'),
    evaluated: count.describe('Accounts evaluated; the figures below are about these'),
    sampled: z.boolean().describe('Whether time allowed only a random sample'),
    affected: count.describe('Accounts that this version would score instead of another model'),
    bandChanges: count,
    bands: z.array(z.object({ from: bandSchema, to: bandSchema, accounts: count })),
    meanMove: z.number().nullable().describe('Mean change of the score over the affected accounts'),
    items: z
      .array(z.object({ accountId: z.string(), name: z.string().nullable(), before: scored, after: scored }))
      .describe('Up to 100 accounts that change band, the largest moves first'),
  })
  .meta({
    examples: [
      {
        modelId: 'default',
        version: 2,
        accounts: 1_200,
        evaluated: 1_200,
        sampled: false,
        affected: 1_200,
        bandChanges: 1,
        bands: [{ from: 'healthy', to: 'watch', accounts: 1 }],
        meanMove: -1.3,
        items: [
          {
            accountId: 'acme',
            name: 'Acme Inc.',
            before: { score: 76.2, band: 'healthy' },
            after: { score: 64.9, band: 'watch' },
          },
        ],
      },
    ],
  })

type Deps = {
  readonly database: Database
  readonly publishModel: PublishModel
  readonly previewModel: PreviewModel
}

export const modelActionRoutes = ({ database, publishModel, previewModel }: Deps) =>
  routes((app) => {
    app.post(
      '/v1/models/:modelId/versions/:version/publish',
      {
        config: { scope: 'write' },
        schema: {
          operationId: 'publishModel',
          summary: 'Makes a version live, or rolls back to an earlier one; affected accounts are re-evaluated',
          tags: ['models'],
          params: versionParams,
          response: { 200: publishedSchema, ...errors(404, 409) },
        },
      },
      async ({ params, principal }) => publishModel(principal, params),
    )
    app.post(
      '/v1/models/:modelId/versions/:version/preview',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'previewModel',
          summary: 'Previews which accounts would change band if the version were live; changes nothing',
          tags: ['models'],
          params: versionParams,
          response: { 200: previewSchema, ...errors(404) },
        },
      },
      async ({ params, principal }) => {
        const source = await readSource(database, principal.tenantId, params)
        const { bands, items, ...preview } = await previewModel(principal.tenantId, parseModel(source))
        return { ...params, ...preview, bands: [...bands], items: [...items] }
      },
    )
    app.post(
      '/v1/models/:modelId/withdraw',
      {
        config: { scope: 'write' },
        schema: {
          operationId: 'withdrawModel',
          summary:
            'Withdraws a model: its accounts go to the next matching model; `default` returns to the shipped version',
          tags: ['models'],
          params: modelParams,
          response: { 200: publishedSchema, ...errors(404) },
        },
      },
      async ({ params, principal }) => publishModel(principal, { ...params, version: null }),
    )
  })
