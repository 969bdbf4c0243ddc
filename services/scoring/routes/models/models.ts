import { z } from 'zod'
import { recordAudit } from '#libs/access/audit-store.ts'
import type { IdempotentReply } from '#libs/access/idempotent-reply.ts'
import { decodeCursor, pageOf, pageQuery, pageSchema } from '#libs/http/pages.ts'
import { errors, notFound } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import { acceptYaml, JSON_OR_YAML } from '#libs/http/yaml-body.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import { toInstant } from '#libs/runtime/clock.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import {
  DEFAULT_MODEL_ID,
  MODEL_JSON_SCHEMA,
  parseModel,
  readShippedSource,
  SHIPPED_VERSION,
} from '../../models/model-document.ts'
import {
  insertModelVersion,
  listModelVersions,
  liveVersions,
  loadModelSources,
  type ModelVersion,
  newestVersion,
} from '../../models/model-store.ts'
import { modelBodySchema, readModel, sourceOf } from './model-body.ts'

const versionSchema = z
  .object({
    modelId: z.string(),
    version: z.int(),
    name: z.string(),
    status: z.enum(['draft', 'live', 'former']).describe('former: published before, and not live now'),
    priority: z.int().nullable().describe('Of its segment; null for the default model'),
    author: z.string(),
    createdAt: z.iso.datetime().nullable().describe('Null for the shipped one'),
    firstPublishedAt: z.iso.datetime().nullable(),
  })
  .meta({
    id: 'ModelVersion',
    examples: [
      {
        modelId: 'enterprise',
        version: 2,
        name: 'Enterprise accounts',
        status: 'draft',
        priority: 10,
        author: 'cs-ops',
        createdAt: '2026-11-22T10:00:00.000Z',
        firstPublishedAt: null,
      },
    ],
  })
type ShownVersion = z.infer<typeof versionSchema>

const jsonSchemaSchema = z
  .record(z.string(), z.unknown())
  .meta({ examples: [{ $schema: MODEL_JSON_SCHEMA.$schema, title: MODEL_JSON_SCHEMA.title, type: 'object' }] })

export const modelParams = z.object({
  modelId: z
    .string()
    .max(64)
    .meta({ examples: ['default'] }),
})
export const versionParams = modelParams.extend({ version: z.coerce.number().int().min(1).max(2_147_483_647) })

const toShown = (row: ModelVersion): ShownVersion => ({
  modelId: row.modelId,
  version: row.version,
  name: row.name,
  status: row.live ? 'live' : row.firstPublishedAt === null ? 'draft' : 'former',
  priority: row.priority,
  author: row.author,
  createdAt: toInstant(row.createdAt),
  firstPublishedAt: row.firstPublishedAt === null ? null : toInstant(row.firstPublishedAt),
})

const shippedVersion = async (sql: Sql, tenantId: string): Promise<ShownVersion> => {
  const own = (await liveVersions(sql, tenantId)).find(({ modelId }) => modelId === DEFAULT_MODEL_ID)
  const isLive = own === undefined || own.version === SHIPPED_VERSION
  return {
    modelId: DEFAULT_MODEL_ID,
    version: SHIPPED_VERSION,
    name: parseModel(readShippedSource()).name,
    status: isLive ? 'live' : 'former',
    priority: null,
    author: 'pulso',
    createdAt: null,
    firstPublishedAt: null,
  }
}

/** The document as it was written. */
export const readSource = async (
  sql: Sql,
  tenantId: string,
  { modelId, version }: { readonly modelId: string; readonly version: number },
): Promise<string> => {
  if (modelId === DEFAULT_MODEL_ID && version === SHIPPED_VERSION) return readShippedSource()
  const [row] = await loadModelSources(sql, [{ tenantId, modelId, version }])
  if (row === undefined) throw notFound('version of a model')
  return row.source
}

const cursorSchema = z.object({ modelId: z.string(), version: z.int() })
const isAfter = (a: z.infer<typeof cursorSchema>, b: z.infer<typeof cursorSchema>): boolean =>
  a.modelId === b.modelId ? a.version > b.version : a.modelId > b.modelId

export type ModelRoutesDeps = { readonly database: Database; readonly idempotentReply: IdempotentReply }

export const modelRoutes = ({ database, idempotentReply }: ModelRoutesDeps) =>
  routes((app) => {
    acceptYaml(app)
    app.get(
      '/v1/models',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'listModels',
          summary: 'Every version of every model, by id and number; the shipped one is version 1 of `default`',
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
        const own = (await listModelVersions(database, tenantId)).map(toShown)
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
          summary: 'The JSON Schema of models, for editors',
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
          summary: 'A version as a document: JSON, or YAML as it was written when `Accept` asks for application/yaml',
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
    app.post(
      '/v1/models',
      {
        config: { scope: 'write', idempotent: true },
        schema: {
          operationId: 'createModel',
          summary: 'A new version of a model, as a draft: it is never changed, and scores nobody until it is published',
          tags: ['models'],
          consumes: JSON_OR_YAML,
          body: modelBodySchema,
          response: { 201: versionSchema, ...errors(409, 422) },
        },
      },
      async (request, reply) => {
        const { body, principal } = request
        const { tenantId, name: author } = principal
        // Its mistakes are told before its number is looked at.
        const asked = typeof body.version === 'number' ? body.version : 1
        const modelId = readModel(body, asked).id
        return idempotentReply({ request, reply, status: 201 }, async (tx) => {
          const newest = await newestVersion(tx, tenantId, modelId)
          const version = Math.max(newest, modelId === DEFAULT_MODEL_ID ? SHIPPED_VERSION : 0) + 1
          if (body.version !== undefined && body.version !== version) throw wrongVersion(version)
          const model = readModel(body, version)
          const priority = model.segment?.priority ?? null
          const source = sourceOf(request, model)
          const given = { tenantId, modelId, version, name: model.name, priority, source, author }
          if (!(await insertModelVersion(tx, given))) throw wrongVersion(version + 1)
          await recordAudit(tx, principal, { action: 'model.created', subject: modelId, detail: { version } })
          const rows = await listModelVersions(tx, tenantId)
          return toShown(rows.find((row) => row.modelId === modelId && row.version === version)!)
        })
      },
    )
  })

const wrongVersion = (next: number): RequestError =>
  new RequestError(409, 'version_taken', 'Versions are numbered without gaps and never changed', [
    { pointer: '/version', code: 'not_next', detail: `The next version is ${next}; it may be left out` },
  ])
