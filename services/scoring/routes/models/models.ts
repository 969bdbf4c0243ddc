import { z } from 'zod'
import { decodeCursor, pageOf, pageQuery, pageSchema } from '#libs/http/pages.ts'
import { errors } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { LiveModels } from '../../models/live-models.ts'
import { MODEL_JSON_SCHEMA, parseModel } from '../../models/model-document.ts'
import { listModelVersions } from '../../models/model-store.ts'
import { modelBodySchema } from './model-body.ts'
import { readSource, shippedVersion, toShown, UNREADABLE, versionParams, versionSchema } from './model-version.ts'

const jsonSchemaSchema = z
  .record(z.string(), z.unknown())
  .meta({ examples: [{ $schema: MODEL_JSON_SCHEMA.$schema, title: MODEL_JSON_SCHEMA.title, type: 'object' }] })

const cursorSchema = z.object({ modelId: z.string(), version: z.int() })
const isAfter = (a: z.infer<typeof cursorSchema>, b: z.infer<typeof cursorSchema>): boolean =>
  a.modelId === b.modelId ? a.version > b.version : a.modelId > b.modelId

export const modelRoutes = ({
  database,
  liveModels,
}: {
  readonly database: Database
  readonly liveModels: Pick<LiveModels, 'unreadableOf'>
}) =>
  routes((app) => {
    app.get(
      '/v1/models',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'listModels',
          summary: 'All model versions by id and number; the shipped model is version 1 of `default`',
          tags: ['models'],
          querystring: z.object({
            ...pageQuery,
            modelId: z.string().max(64).optional(),
            status: versionSchema.shape.status.optional(),
          }),
          response: { 200: pageSchema(versionSchema) },
        },
      },
      async ({ query, principal }) => {
        const { tenantId } = principal
        const unreadable = liveModels.unreadableOf(tenantId)
        const own = (await listModelVersions(database, tenantId))
          .map(toShown)
          .map((one) => (unreadable.get(one.modelId) === one.version ? { ...one, problem: UNREADABLE } : one))
        const after = decodeCursor(cursorSchema, query.cursor)
        const shown = [await shippedVersion(database, tenantId), ...own]
          .filter(({ modelId }) => query.modelId === undefined || modelId === query.modelId)
          .filter(({ status }) => query.status === undefined || status === query.status)
          .filter((one) => after === undefined || isAfter(one, after))
          .sort((a, b) => (isAfter(a, b) ? 1 : -1))
        return pageOf(
          shown.slice(0, query.limit + 1),
          query.limit,
          (one) => one,
          ({ modelId, version }) => ({ modelId, version }),
        )
      },
    )
    app.get(
      '/v1/model-schema',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'getModelSchema',
          summary: 'The JSON Schema of model documents, for editors',
          tags: ['models'],
          response: { 200: jsonSchemaSchema },
        },
      },
      async () => ({ ...MODEL_JSON_SCHEMA }),
    )
    app.get(
      '/v1/models/:modelId/versions/:version',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'getModel',
          summary: 'One version as a document: JSON, or the submitted YAML if `Accept` is application/yaml',
          tags: ['models'],
          params: versionParams,
          response: {
            200: {
              description: 'The document',
              content: {
                'application/json': { schema: modelBodySchema },
                'application/yaml': { schema: z.string().meta({ examples: ['id: enterprise\nversion: 2\n'] }) },
              },
            },
            ...errors(404),
          },
        },
      },
      async ({ params, principal, headers }, reply) => {
        const source = await readSource(database, principal.tenantId, params)
        if (/\byaml\b/.test(headers.accept ?? '')) return reply.type('application/yaml').send(source)
        return reply.type('application/json').send({ ...parseModel(source) })
      },
    )
  })
