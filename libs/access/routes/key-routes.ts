import { z } from 'zod'
import { decodeCursor, pageOf, pageQuery, pageSchema } from '#libs/http/pages.ts'
import { errors, notFound } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database } from '#libs/postgres/database.ts'
import { type Clock, toInstant } from '#libs/runtime/clock.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { parseInstant } from '#libs/time/instant.ts'
import { recordAudit } from '../audit-store.ts'
import type { IdempotentReply } from '../idempotent-reply.ts'
import { SCOPES } from '../keyring.ts'
import { newApiKey } from '../keys/api-key.ts'
import { insertKey, listKeys, revokeKey } from '../keys/key-store.ts'

const scopes = z.array(z.enum(SCOPES)).min(1)
const EXAMPLE = { id: 'h7Jw2kQp', name: 'billing backend', scopes: ['ingest'] }

const newKeySchema = z
  .object({
    name: z.string().min(1).max(256).describe('Also the default `source` of its events'),
    scopes,
    expiresAt: z.iso.datetime({ offset: true }).optional(),
  })
  .meta({ examples: [{ name: 'billing backend', scopes: ['ingest'] }] })

const createdKeySchema = z
  .object({ id: z.string(), key: z.string().describe('Shown this once'), scopes })
  .meta({ examples: [{ ...EXAMPLE, key: 'pulso_live_h7Jw2kQp_...' }] })

const keySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes,
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
  })
  .meta({ examples: [{ ...EXAMPLE, createdAt: '2026-11-22T10:00:00.000Z', expiresAt: null }] })

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
          summary: 'Keys in force, without their secrets',
          tags: ['access'],
          querystring: z.object(pageQuery),
          response: { 200: pageSchema(keySchema) },
        },
      },
      async ({ query, principal }) => {
        const afterId = decodeCursor(z.string(), query.cursor) ?? ''
        const rows = await listKeys(database, principal.tenantId, { limit: query.limit, afterId })
        const toItem = ({ id, name, scopes, createdAt, expiresAt }: (typeof rows)[number]) => ({
          id,
          name,
          scopes: [...scopes],
          createdAt: toInstant(createdAt),
          expiresAt: expiresAt === null ? null : toInstant(expiresAt),
        })
        return pageOf(rows, query.limit, toItem, (row) => row.id)
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
          body: newKeySchema,
          response: { 201: createdKeySchema, ...errors(422) },
        },
      },
      async (request, reply) => {
        const { body, principal } = request
        const expiresAt = body.expiresAt === undefined ? null : parseInstant(body.expiresAt)
        const { id, key, hash } = newApiKey()
        const { tenantId } = principal
        const { name } = body
        const scopes = [...new Set(body.scopes)]
        return idempotentReply({ request, reply, status: 201 }, async (tx) => {
          if (expiresAt !== null && expiresAt <= clock.now())
            throw new RequestError(422, 'invalid_request', 'The request body is not valid', [
              { pointer: '/expiresAt', code: 'in_the_past', detail: 'The key would be expired from the start' },
            ])
          await insertKey(tx, { id, tenantId, name, hash, scopes, operator: false, loopbackOnly: false, expiresAt })
          await recordAudit(tx, principal, { action: 'key.created', subject: id, detail: { name, scopes } })
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
          response: { 204: z.null().describe('Revoked'), ...errors(404) },
        },
      },
      async ({ params, principal }, reply) => {
        await database.transaction(async (tx) => {
          const name = await revokeKey(tx, principal.tenantId, params.keyId)
          if (name === undefined) throw notFound('key')
          await recordAudit(tx, principal, { action: 'key.revoked', subject: params.keyId, detail: { name } })
        })
        return reply.code(204).send(null)
      },
    )
  })
