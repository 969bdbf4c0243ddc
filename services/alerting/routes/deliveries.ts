import { z } from 'zod'
import { recordAudit } from '#libs/access/audit-store.ts'
import type { IdempotentReply } from '#libs/access/idempotent-reply.ts'
import { cursorInstant, decodeCursor, pageOf, pageQuery, pageSchema } from '#libs/http/pages.ts'
import { errors, notFound } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database } from '#libs/postgres/database.ts'
import { type Clock, toInstant } from '#libs/runtime/clock.ts'
import { findDelivery, type LoggedDelivery, listDeliveries, replayDelivery } from '../delivery/delivery-log-store.ts'
import { findEndpoint } from '../endpoints/endpoint-store.ts'
import { WEBHOOK_TYPES } from '../notifications/notification.ts'
import { endpointParams, findOr404, requireOpen } from './webhook-endpoint-lookup.ts'

export type DeliveryRoutesDeps = {
  readonly database: Database
  readonly clock: Clock
  readonly idempotentReply: IdempotentReply
}

const STATES = ['pending', 'delivered', 'exhausted'] as const

const deliveryShape = {
  id: z.uuid().describe('Also the `webhook-id` of every attempt'),
  endpointId: z.uuid(),
  type: z.string(),
  accountId: z.string().nullable(),
  status: z.enum(STATES),
  reason: z.string().nullable().describe('Of the last failure'),
  attemptCount: z.int(),
  attempts: z
    .array(
      z.object({
        attempt: z.int(),
        at: z.iso.datetime(),
        outcome: z.string().describe('`delivered`, `refused` (see `status`), or why there was no answer'),
        status: z.int().nullable(),
        latencyMs: z.number(),
        answer: z.string().nullable().describe('First 1 KB, without path and query of the URL'),
      }),
    )
    .describe('The last 20 attempts, oldest first'),
  nextAttemptAt: z.iso.datetime().nullable().describe('Null unless pending'),
  createdAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
}
const EXAMPLE = {
  id: '8c5f6f0e-3c55-5f6a-9c43-6f3d0e0f7a10',
  endpointId: '019371d5-4b1e-7cc0-8f4e-0a3f0d9c2b11',
  type: 'alert.firing',
  accountId: 'acme',
  status: 'delivered' as const,
  reason: null,
  attemptCount: 1,
  attempts: [
    { attempt: 1, at: '2026-11-22T10:00:00.000Z', outcome: 'delivered', status: 200, latencyMs: 41, answer: 'ok' },
  ],
  nextAttemptAt: null,
  createdAt: '2026-11-22T10:00:00.000Z',
  finishedAt: '2026-11-22T10:00:00.041Z',
}
const deliverySchema = z.object(deliveryShape).meta({ examples: [EXAMPLE] })
const deliveryWithBodySchema = z
  .object({ ...deliveryShape, body: z.string().describe('The bytes that are sent') })
  .meta({ examples: [{ ...EXAMPLE, body: '{"type":"alert.firing"}' }] })

const toDelivery = (row: LoggedDelivery): z.infer<typeof deliverySchema> => ({
  id: row.deliveryId,
  endpointId: row.endpointId,
  type: row.type,
  accountId: row.accountId,
  status: row.state,
  reason: row.reason,
  attemptCount: row.attemptCount,
  attempts: [...row.attempts],
  nextAttemptAt: row.state === 'pending' ? toInstant(row.nextAttemptAt) : null,
  createdAt: toInstant(row.createdAt),
  finishedAt: row.finishedAt === null ? null : toInstant(row.finishedAt),
})

const deliveryParams = z.object({ deliveryId: z.uuid().meta({ examples: [EXAMPLE.id] }) })

export const deliveryRoutes = ({ database, clock, idempotentReply }: DeliveryRoutesDeps) =>
  routes((app) => {
    app.get(
      '/v1/webhook-endpoints/:endpointId/deliveries',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'listWebhookDeliveries',
          summary: 'Deliveries of an endpoint, newest first; finished ones are kept for 30 days',
          tags: ['webhooks'],
          params: endpointParams,
          querystring: z.object({
            ...pageQuery,
            status: z.enum(STATES).optional(),
            type: z.enum(WEBHOOK_TYPES).optional(),
            accountId: z.string().min(1).max(256).optional(),
          }),
          response: { 200: pageSchema(deliverySchema), ...errors(404) },
        },
      },
      async ({ params, query, principal }) => {
        const { tenantId } = principal
        const { endpointId } = params
        await findOr404(database, tenantId, endpointId)
        const before = decodeCursor(z.object({ createdAt: cursorInstant, deliveryId: z.uuid() }), query.cursor) ?? null
        const rows = await listDeliveries(database, tenantId, {
          endpointId,
          state: query.status ?? null,
          type: query.type ?? null,
          accountId: query.accountId ?? null,
          before,
          limit: query.limit + 1,
        })
        return pageOf(rows, query.limit, toDelivery, ({ createdAt, deliveryId }) => ({ createdAt, deliveryId }))
      },
    )
    app.get(
      '/v1/deliveries/:deliveryId',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'getDelivery',
          summary: 'One delivery with its attempts and its body',
          tags: ['webhooks'],
          params: deliveryParams,
          response: { 200: deliveryWithBodySchema, ...errors(404) },
        },
      },
      async ({ params, principal }) => {
        const delivery = await findDelivery(database, principal.tenantId, params.deliveryId)
        if (!delivery) throw notFound('delivery')
        return { ...toDelivery(delivery), body: delivery.body }
      },
    )
    app.post(
      '/v1/deliveries/:deliveryId/replay',
      {
        config: { scope: 'write', idempotent: true },
        schema: {
          operationId: 'replayDelivery',
          summary: 'Attempts a delivery now and restarts its schedule: same id, same bytes',
          tags: ['webhooks'],
          params: deliveryParams,
          response: { 202: deliverySchema, ...errors(404, 409) },
        },
      },
      async (request, reply) => {
        const { params, principal } = request
        const { tenantId } = principal
        const { deliveryId } = params
        return idempotentReply({ request, reply, status: 202 }, async (tx) => {
          const found = await findDelivery(tx, tenantId, deliveryId)
          if (!found) throw notFound('delivery')
          const endpoint = await findEndpoint(tx, tenantId, found.endpointId)
          requireOpen(endpoint ?? { state: 'disabled' }, { test: found.type === 'webhook.test' })
          await replayDelivery(tx, tenantId, deliveryId, clock.now())
          await recordAudit(tx, principal, { action: 'delivery.replayed', subject: deliveryId })
          return toDelivery((await findDelivery(tx, tenantId, deliveryId))!)
        })
      },
    )
  })
