import { z } from 'zod'
import { errors, notFound } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database } from '#libs/postgres/database.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { recordAudit } from '../audit-store.ts'
import type { Principal } from '../keyring.ts'
import { DEFAULT_TENANT } from '../keys/bootstrap-key.ts'
import { lockTenant, setTenantState, type Tenant, type TenantState } from '../tenant-store.ts'
import { onlyOperators } from './only-operators.ts'
import { tenantParams, tenantSchema, toTenantItem } from './tenant-schema.ts'

const ACTIONS = { active: 'tenant.resumed', suspended: 'tenant.suspended', deleted: 'tenant.deleted' } as const

const SWITCHES = [
  {
    path: 'suspend',
    state: 'suspended',
    operationId: 'suspendTenant',
    summary: 'Refuses the keys of a tenant, parks its records and sends nothing, until it is resumed',
  },
  { path: 'resume', state: 'active', operationId: 'resumeTenant', summary: 'Ends the suspension of a tenant' },
] as const

export const tenantStateRoutes = ({ database }: { readonly database: Database }) => {
  const changeState = (principal: Principal, id: string, state: TenantState): Promise<Tenant> =>
    database.transaction(async (tx) => {
      const tenant = await lockTenant(tx, id)
      if (!tenant) throw notFound('tenant')
      if (tenant.state === state) return tenant
      await setTenantState(tx, id, state)
      await recordAudit(tx, principal, { action: ACTIONS[state], subject: id })
      return { ...tenant, state }
    })

  return routes((app) => {
    for (const { path, state, operationId, summary } of SWITCHES)
      app.post(
        `/v1/tenants/:tenantId/${path}`,
        {
          config: { scope: 'admin' },
          preHandler: onlyOperators,
          schema: {
            operationId,
            summary,
            tags: ['access'],
            params: tenantParams,
            response: { 200: tenantSchema, ...errors(404) },
          },
        },
        async ({ params, principal }) => toTenantItem(await changeState(principal, params.tenantId, state)),
      )
    app.delete(
      '/v1/tenants/:tenantId',
      {
        config: { scope: 'admin' },
        preHandler: onlyOperators,
        schema: {
          operationId: 'deleteTenant',
          summary:
            'Ends a tenant: its keys are refused at once, then all it has is erased; its id is never given again',
          tags: ['access'],
          params: tenantParams,
          response: { 202: z.null().describe('Deleted; what it has is being erased'), ...errors(404, 409) },
        },
      },
      async ({ params, principal }, reply) => {
        // The keys of operators are kept there.
        if (params.tenantId === DEFAULT_TENANT)
          throw new RequestError(409, 'default_tenant', `The tenant ${DEFAULT_TENANT} cannot be deleted`)
        await changeState(principal, params.tenantId, 'deleted')
        return reply.code(202).send(null)
      },
    )
  })
}
