import { errors, notFound } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import { recordAudit } from '../audit-store.ts'
import { newApiKey } from '../keys/api-key.ts'
import { insertKey } from '../keys/key-store.ts'
import { lockTenant } from '../tenant-store.ts'
import type { KeyRoutesDeps } from './key-routes.ts'
import { createdKeySchema, newKeySchema, parseExpiry } from './key-schemas.ts'
import { onlyOperators } from './only-operators.ts'
import { tenantParams } from './tenant-schema.ts'

/** Gives a key to a tenant that has lost its own. */
export const tenantKeyRoutes = ({ clock, idempotentReply }: Omit<KeyRoutesDeps, 'database'>) =>
  routes((app) => {
    app.post(
      '/v1/tenants/:tenantId/keys',
      {
        config: { scope: 'admin', idempotent: true },
        preHandler: onlyOperators,
        schema: {
          operationId: 'createTenantKey',
          summary: 'Makes a key of another tenant; the answer is the only place that shows it',
          tags: ['access'],
          params: tenantParams,
          body: newKeySchema,
          response: { 201: createdKeySchema, ...errors(404, 422) },
        },
      },
      async (request, reply) => {
        const { body, params, principal } = request
        const { tenantId } = params
        const { name } = body
        const { id, key, hash } = newApiKey()
        const scopes = [...new Set(body.scopes)]
        return idempotentReply({ request, reply, status: 201 }, async (tx) => {
          const expiresAt = parseExpiry(body, clock)
          if (!(await lockTenant(tx, tenantId))) throw notFound('tenant')
          await insertKey(tx, { id, tenantId, name, hash, scopes, operator: false, loopbackOnly: false, expiresAt })
          const detail = { tenantId, name, scopes, expiresAt: body.expiresAt ?? null }
          await recordAudit(tx, principal, { action: 'key.created', subject: id, detail })
          return { id, key, scopes }
        })
      },
    )
  })
