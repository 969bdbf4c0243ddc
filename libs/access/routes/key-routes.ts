import { z } from 'zod'
import { decodeCursor, pageOf, pageQuery, pageSchema } from '#libs/http/pages.ts'
import { errors, notFound } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { assertRoom } from '../assert-room.ts'
import { recordAudit } from '../audit-store.ts'
import type { IdempotentReply } from '../idempotent-reply.ts'
import { newApiKey } from '../keys/api-key.ts'
import { countKeys, hasOperatorKey, insertKey, listKeys, lockOperatorKeys, revokeKey } from '../keys/key-store.ts'
import { createdKeySchema, keySchema, newKeySchema, parseExpiry, toKeyItem } from './key-schemas.ts'

const newOwnKeySchema = newKeySchema
  .extend({
    // Without a default: a request that is repeated after an upgrade must stay the same request.
    operator: z.boolean().optional().describe('A key that manages tenants; only an operator may make one'),
  })
  .meta({ examples: [{ name: 'billing backend', scopes: ['ingest'] }] })

export type KeyRoutesDeps = {
  readonly database: Database
  readonly clock: Clock
  readonly idempotentReply: IdempotentReply
}

export const keyRoutes = ({ database, clock, idempotentReply }: KeyRoutesDeps) =>
  routes((app) => {
    app.get(
      '/v1/keys',
      {
        config: { scope: 'admin' },
        schema: {
          operationId: 'listKeys',
          summary: "Keys in force, without their secrets; operators' keys for operators only",
          tags: ['access'],
          querystring: z.object(pageQuery),
          response: { 200: pageSchema(keySchema) },
        },
      },
      async ({ query, principal }) => {
        const afterId = decodeCursor(z.string(), query.cursor) ?? ''
        const rows = await listKeys(database, principal, { limit: query.limit, afterId })
        return pageOf(rows, query.limit, toKeyItem, (row) => row.id)
      },
    )
    app.post(
      '/v1/keys',
      {
        config: { scope: 'admin', idempotent: true },
        schema: {
          operationId: 'createKey',
          summary: 'Makes a key; the answer is the only place that shows it',
          tags: ['access'],
          body: newOwnKeySchema,
          response: { 201: createdKeySchema, ...errors(422) },
        },
      },
      async (request, reply) => {
        const { body, principal } = request
        const { name, operator = false } = body
        if (operator && !principal.operator)
          throw new RequestError(403, 'forbidden', 'Only an operator key may make another')
        const { id, key, hash } = newApiKey()
        const { tenantId } = principal
        const scopes = [...new Set(body.scopes)]
        return idempotentReply({ request, reply, status: 201 }, async (tx) => {
          const expiresAt = parseExpiry(body, clock)
          await assertRoom(tx, { tenantId, kind: 'keys' }, () => countKeys(tx, tenantId))
          await insertKey(tx, { id, tenantId, name, hash, scopes, operator, loopbackOnly: false, expiresAt })
          const detail = { name, scopes, expiresAt: body.expiresAt ?? null, ...(operator ? { operator } : {}) }
          await recordAudit(tx, principal, { action: 'key.created', subject: id, detail })
          return { id, key, scopes }
        })
      },
    )
    app.delete(
      '/v1/keys/:keyId',
      {
        config: { scope: 'admin' },
        schema: {
          operationId: 'revokeKey',
          summary: 'Revokes a key, in force everywhere within a second',
          tags: ['access'],
          params: z.object({ keyId: z.string().meta({ examples: ['h7Jw2kQp'] }) }),
          response: { 204: z.null().describe('Revoked'), ...errors(404, 409) },
        },
      },
      async ({ params, principal }, reply) => {
        await database.transaction(async (tx) => {
          if (principal.operator) await lockOperatorKeys(tx)
          const revoked = await revokeKey(tx, principal, params.keyId)
          if (revoked === undefined) throw notFound('key')
          // Without an operator nobody could make another: the bootstrap key stays revoked.
          if (revoked.operator && !(await hasOperatorKey(tx)))
            throw new RequestError(409, 'last_operator_key', 'The last operator key cannot be revoked')
          await recordAudit(tx, principal, {
            action: 'key.revoked',
            subject: params.keyId,
            detail: { name: revoked.name },
          })
        })
        return reply.code(204).send(null)
      },
    )
  })
