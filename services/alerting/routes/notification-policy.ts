import { z } from 'zod'
import { recordAudit } from '#libs/access/audit-store.ts'
import { errors } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { findEndpoint } from '../endpoints/endpoint-store.ts'
import { type PolicyDocument, policyDocumentSchema, readPolicy } from '../policy/policy-document.ts'
import { checkOpenAccounts, findPolicy, savePolicy } from '../policy/policy-store.ts'
import { unreadable, unreadableShape } from './unreadable-document.ts'

const EXAMPLE: PolicyDocument = {
  quietHours: {
    timeZone: 'Europe/Berlin',
    from: '20:00',
    to: '07:00',
    quietDays: ['sat', 'sun'],
    criticalPasses: true,
  },
  grouping: { window: '5m', severities: ['info', 'warning'] },
  escalation: { after: '1h', severities: ['critical'], severity: 'critical', endpointIds: [] },
  digest: { timeZone: 'Europe/Berlin', at: '08:00', days: ['mon', 'tue', 'wed', 'thu', 'fri'] },
}
const policySchema = policyDocumentSchema.meta({ examples: [EXAMPLE] })
const AT_ONCE: PolicyDocument = { quietHours: null, grouping: null, escalation: null, digest: null }

const unreadablePolicySchema = z
  .object({ ...policyDocumentSchema.shape, ...unreadableShape })
  .describe('A policy that another release has stored and this one cannot read: what holds of it until it is replaced')
  .meta({
    examples: [
      {
        ...AT_ONCE,
        escalation: EXAMPLE.escalation,
        ...unreadable('/holidays: Unrecognized member', { ...EXAMPLE, holidays: ['2026-12-25'] }),
      },
    ],
  })

const show = (stored: unknown) => {
  const { document, problem } = readPolicy(stored)
  return problem === null ? document : { ...document, ...unreadable(problem, stored) }
}

export const notificationPolicyRoutes = ({ database, clock }: { readonly database: Database; readonly clock: Clock }) =>
  routes((app) => {
    app.get(
      '/v1/notification-policy',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'getNotificationPolicy',
          summary: 'When and how alerts notify; without a policy each notifies at once',
          tags: ['notification policy'],
          response: { 200: z.union([policySchema, unreadablePolicySchema]) },
        },
      },
      async ({ principal }) => show((await findPolicy(database, principal.tenantId)) ?? AT_ONCE),
    )
    app.put(
      '/v1/notification-policy',
      {
        config: { scope: 'write' },
        schema: {
          operationId: 'changeNotificationPolicy',
          summary: 'Replaces the policy; a part that is left out is switched off',
          tags: ['notification policy'],
          body: policySchema,
          response: { 200: policySchema, ...errors(422) },
        },
      },
      async ({ body, principal }) => {
        const { tenantId } = principal
        await database.transaction(async (tx) => {
          await checkEndpoints(tx, tenantId, body)
          const now = clock.now()
          await checkOpenAccounts(tx, tenantId, now)
          await savePolicy(tx, tenantId, body, now)
          await recordAudit(tx, principal, {
            action: 'notification-policy.changed',
            subject: tenantId,
            detail: { policy: body },
          })
        })
        return body
      },
    )
  })

const checkEndpoints = async (tx: Sql, tenantId: string, { escalation }: PolicyDocument): Promise<void> => {
  for (const [i, endpointId] of (escalation?.endpointIds ?? []).entries())
    if (!(await findEndpoint(tx, tenantId, endpointId)))
      throw new RequestError(422, 'invalid_request', 'The request body is not valid', [
        { pointer: `/escalation/endpointIds/${i}`, code: 'no_such_endpoint', detail: 'There is no such endpoint' },
      ])
}
