import { z } from 'zod'
import { decodeCursor, pageOf, pageQuery, pageSchema } from '#libs/http/pages.ts'
import { errors } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database } from '#libs/postgres/database.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { recordAudit } from '../audit-store.ts'
import type { IdempotentReply } from '../idempotent-reply.ts'
import { SCOPES } from '../keyring.ts'
import { newApiKey } from '../keys/api-key.ts'
import { insertKey } from '../keys/key-store.ts'
import { insertTenant, listTenants } from '../tenant-store.ts'
import { onlyOperators } from './only-operators.ts'
import { tenantSchema, toTenantItem } from './tenant-schema.ts'

const newTenantSchema = z
  .object({
    id: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/)
      .describe('Small letters, digits, - and _'),
    name: z.string().min(1).max(256),
  })
  .meta({ examples: [{ id: 'acme-saas', name: 'Acme SaaS' }] })

const createdTenantSchema = z
  .object({ id: z.string(), key: z.string().describe('A key of the tenant with every scope, shown this once') })
  .meta({ examples: [{ id: 'acme-saas', key: 'pulso_live_h7Jw2kQp_...' }] })

type TenantRoutesDeps = { readonly database: Database; readonly idempotentReply: IdempotentReply }

export const tenantRoutes = ({ database, idempotentReply }: TenantRoutesDeps) =>
  routes((app) => {
    app.get(
      '/v1/tenants',
      {
        config: { scope: 'admin' },
        preHandler: onlyOperators,
        schema: {
          operationId: 'listTenants',
          summary: 'All tenants of this installation',
          tags: ['access'],
          querystring: z.object(pageQuery),
          response: { 200: pageSchema(tenantSchema) },
        },
      },
      async ({ query }) => {
        const afterId = decodeCursor(z.string(), query.cursor) ?? ''
        const rows = await listTenants(database, { limit: query.limit, afterId })
        return pageOf(rows, query.limit, toTenantItem, (row) => row.id)
      },
    )
    app.post(
      '/v1/tenants',
      {
        config: { scope: 'admin', idempotent: true },
        preHandler: onlyOperators,
        schema: {
          operationId: 'createTenant',
          summary: 'Makes a tenant and its first key',
          tags: ['access'],
          body: newTenantSchema,
          response: { 201: createdTenantSchema, ...errors(409, 422) },
        },
      },
      async (request, reply) => {
        const { body, principal } = request
        const { id: keyId, key, hash } = newApiKey()
        return idempotentReply({ request, reply, status: 201 }, async (tx) => {
          if (!(await insertTenant(tx, body))) throw new RequestError(409, 'conflict', 'This tenant id is taken')
          await insertKey(tx, {
            id: keyId,
            tenantId: body.id,
            name: 'first',
            hash,
            scopes: SCOPES,
            operator: false,
            loopbackOnly: false,
            expiresAt: null,
          })
          await recordAudit(tx, principal, {
            action: 'tenant.created',
            subject: body.id,
            detail: { name: body.name, keyId },
          })
          return { id: body.id, key }
        })
      },
    )
  })
