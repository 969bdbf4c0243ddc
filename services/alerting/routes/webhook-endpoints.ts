import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { assertRoom } from '#libs/access/assert-room.ts'
import { recordAudit } from '#libs/access/audit-store.ts'
import { decodeCursor, pageOf, pageQuery, pageSchema } from '#libs/http/pages.ts'
import { errors } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import { newId } from '#libs/runtime/ids.ts'
import { hidesItsPath, shownUrl } from '../core/delivery/shown-url.ts'
import { formatSecret } from '../core/delivery/sign-webhook.ts'
import {
  countEndpoints,
  type Endpoint,
  insertEndpoint,
  listEndpoints,
  setEndpointState,
  updateEndpoint,
} from '../endpoints/endpoint-store.ts'
import { addSecret } from '../endpoints/secret-store.ts'
import { unverifyEndpoint } from '../endpoints/verification-store.ts'
import { endpointActions } from './webhook-endpoint-actions.ts'
import {
  endpointParams,
  findOr404,
  lockOr404,
  pingUnverified,
  SECRET_BYTES,
  type WebhookRoutesDeps,
} from './webhook-endpoint-lookup.ts'
import {
  createdEndpointSchema,
  endpointPatchSchema,
  endpointSchema,
  newEndpointSchema,
  requireUrl,
  toEndpoint,
} from './webhook-endpoint-schema.ts'

export const webhookEndpointRoutes = (deps: WebhookRoutesDeps) =>
  routes(async (app) => {
    const { database, clock, sealer, urls, rules, verify, idempotentReply } = deps
    const shown = (endpoint: Endpoint) => toEndpoint(endpoint, urls)
    /** Undefined for who writes back the text or the URL that was there. */
    const newUrl = (given: string | undefined, before: Endpoint): string | undefined => {
      if (given === undefined || (hidesItsPath(given) && given === shownUrl(before.url))) return undefined
      requireUrl(given, rules)
      return given === urls.open(before, before.endpointId) ? undefined : given
    }
    app.get(
      '/v1/webhook-endpoints',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'listWebhookEndpoints',
          summary: 'Webhook endpoints, oldest first, without their secrets',
          tags: ['webhooks'],
          querystring: z.object(pageQuery),
          response: { 200: pageSchema(endpointSchema) },
        },
      },
      async ({ query, principal }) => {
        const after = decodeCursor(z.uuid(), query.cursor) ?? null
        const rows = await listEndpoints(database, principal.tenantId, { after, limit: query.limit + 1 })
        return pageOf(rows, query.limit, shown, (row) => row.endpointId)
      },
    )
    app.post(
      '/v1/webhook-endpoints',
      {
        config: { scope: 'write', idempotent: true },
        schema: {
          operationId: 'createWebhookEndpoint',
          summary: 'Adds an endpoint; the answer is the only place that shows its secret',
          tags: ['webhooks'],
          body: newEndpointSchema,
          response: { 201: createdEndpointSchema, ...errors(422) },
        },
      },
      async (request, reply) => {
        const { body, principal } = request
        requireUrl(body.url, rules)
        const { tenantId } = principal
        const endpointId = newId()
        const secret = randomBytes(SECRET_BYTES)
        const now = clock.now()
        return idempotentReply({ request, reply, status: 201 }, async (tx) => {
          await assertRoom(tx, { tenantId, kind: 'webhook endpoints' }, () => countEndpoints(tx, tenantId))
          const settings = { ...body, ...urls.store(body.url, endpointId) }
          const endpoint = await insertEndpoint(tx, { tenantId, endpointId, verified: !verify, now }, settings)
          await pingUnverified(tx, tenantId, endpoint, now)
          await addSecret(tx, { endpointId, sealed: sealer.seal(secret, endpointId), now }, now)
          const detail = { url: shownUrl(body.url), kind: body.kind, eventTypes: body.eventTypes }
          await recordAudit(tx, principal, { action: 'webhook_endpoint.created', subject: endpointId, detail })
          return { ...shown(endpoint), secret: formatSecret(secret) }
        })
      },
    )
    app.get(
      '/v1/webhook-endpoints/:endpointId',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'getWebhookEndpoint',
          summary: 'One endpoint, without its secret',
          tags: ['webhooks'],
          params: endpointParams,
          response: { 200: endpointSchema, ...errors(404) },
        },
      },
      async ({ params, principal }) => {
        return shown(await findOr404(database, principal.tenantId, params.endpointId))
      },
    )
    app.patch(
      '/v1/webhook-endpoints/:endpointId',
      {
        config: { scope: 'write' },
        schema: {
          operationId: 'changeWebhookEndpoint',
          summary: 'Changes the given members; pending deliveries use them at their next attempt',
          tags: ['webhooks'],
          params: endpointParams,
          body: endpointPatchSchema,
          response: { 200: endpointSchema, ...errors(404, 422) },
        },
      },
      async ({ params, body, principal }) => {
        const { tenantId } = principal
        const { endpointId } = params
        const { state, ...changed } = body
        return database.transaction(async (tx) => {
          const before = await lockOr404(tx, tenantId, endpointId)
          const now = clock.now()
          const url = newUrl(changed.url, before)
          const changes = Object.fromEntries(
            Object.entries({ ...changed, url: undefined }).filter(([, value]) => value !== undefined),
          )
          if (url && verify) await unverifyEndpoint(tx, endpointId)
          const stored = url ? urls.store(url, endpointId) : {}
          let endpoint = await updateEndpoint(tx, tenantId, endpointId, { ...before, ...changes, ...stored })
          if (state === 'disabled' && before.state !== 'disabled')
            endpoint = await setEndpointState(tx, tenantId, endpointId, { state, reason: 'by_request', now })
          if (url) await pingUnverified(tx, tenantId, endpoint, now)
          await recordAudit(tx, principal, {
            action: 'webhook_endpoint.changed',
            subject: endpointId,
            detail: { ...changes, ...(url ? { url: shownUrl(url) } : {}), ...(state ? { state } : {}) },
          })
          return shown(endpoint)
        })
      },
    )
    app.delete(
      '/v1/webhook-endpoints/:endpointId',
      {
        config: { scope: 'write' },
        schema: {
          operationId: 'deleteWebhookEndpoint',
          summary: 'Removes an endpoint and ends its pending deliveries',
          tags: ['webhooks'],
          params: endpointParams,
          response: { 204: z.null().describe('Removed'), ...errors(404) },
        },
      },
      async ({ params, principal }, reply) => {
        const { tenantId } = principal
        const { endpointId } = params
        await database.transaction(async (tx) => {
          await lockOr404(tx, tenantId, endpointId)
          await setEndpointState(tx, tenantId, endpointId, { state: 'deleted', reason: 'by_request', now: clock.now() })
          await recordAudit(tx, principal, { action: 'webhook_endpoint.deleted', subject: endpointId })
        })
        return reply.code(204).send(null)
      },
    )
    await app.register(endpointActions(deps))
  })
