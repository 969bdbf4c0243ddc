import { z } from 'zod'
import { errors } from '#libs/http/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { PublishModel } from '../publish-model.ts'
import { modelParams, versionParams } from './models.ts'

const publishedSchema = z
  .object({ modelId: z.string(), version: z.int().nullable().describe('Null: withdrawn') })
  .meta({ examples: [{ modelId: 'enterprise', version: 2 }] })

export const modelDeedRoutes = ({ publishModel }: { readonly publishModel: PublishModel }) =>
  routes((app) => {
    app.post(
      '/v1/models/:modelId/versions/:version/publish',
      {
        config: { scope: 'write' },
        schema: {
          operationId: 'publishModel',
          summary: 'Makes a version live, an earlier one too (roll back); every account it moves is scored anew',
          tags: ['models'],
          params: versionParams,
          response: { 200: publishedSchema, ...errors(404, 409) },
        },
      },
      async ({ params, principal }) => publishModel(principal, params),
    )
    app.post(
      '/v1/models/:modelId/withdraw',
      {
        config: { scope: 'write' },
        schema: {
          operationId: 'withdrawModel',
          summary:
            'Ends a segment’s model: its accounts go to the next that matches; `default` goes back to the shipped one',
          tags: ['models'],
          params: modelParams,
          response: { 200: publishedSchema, ...errors(404) },
        },
      },
      async ({ params, principal }) => publishModel(principal, { ...params, version: null }),
    )
  })
