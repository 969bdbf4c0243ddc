import { assertRoom } from '#libs/access/assert-room.ts'
import { recordAudit } from '#libs/access/audit-store.ts'
import type { IdempotentReply } from '#libs/access/idempotent-reply.ts'
import { errors } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import { acceptYaml, JSON_OR_YAML } from '#libs/http/yaml-body.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { MAX_MODEL_BYTES } from '../../limits.ts'
import { DEFAULT_MODEL_ID, SHIPPED_VERSION } from '../../models/model-document.ts'
import { countDrafts, insertModelVersion, listModelVersions, newestVersion } from '../../models/model-store.ts'
import { modelBodySchema, readModel, sourceOf } from './model-body.ts'
import { toShown, versionSchema } from './model-version.ts'

export const createModelRoutes = ({ idempotentReply }: { readonly idempotentReply: IdempotentReply }) =>
  routes((app) => {
    acceptYaml(app)
    app.post(
      '/v1/models',
      {
        bodyLimit: MAX_MODEL_BYTES,
        config: { scope: 'write', idempotent: true },
        schema: {
          operationId: 'createModel',
          summary: 'Creates a version of a model as a draft; it never changes and scores no account until published',
          tags: ['models'],
          consumes: JSON_OR_YAML,
          body: modelBodySchema,
          response: { 201: versionSchema, ...errors(409, 413, 422) },
        },
      },
      async (request, reply) => {
        const { body, principal } = request
        const { tenantId, name: author } = principal
        // Errors of the document come before an error of its version number.
        const asked = typeof body.version === 'number' ? body.version : 1
        const modelId = readModel(body, asked).id
        return idempotentReply({ request, reply, status: 201 }, async (tx) => {
          await assertRoom(tx, { tenantId, kind: 'unpublished model versions' }, () => countDrafts(tx, tenantId))
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
  new RequestError(409, 'version_taken', 'Versions are numbered without gaps and never change', [
    { pointer: '/version', code: 'not_next', detail: `The next version is ${next}; version may be omitted` },
  ])
