import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { recordAudit } from '#libs/access/audit-store.ts'
import { errors } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import { toInstant } from '#libs/runtime/clock.ts'
import { HOUR_MS } from '#libs/runtime/durations.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { parseInstant } from '#libs/time/instant.ts'
import { formatSecret } from '../core/delivery/sign-webhook.ts'
import { replayRange } from '../delivery/delivery-log-store.ts'
import { setEndpointState } from '../endpoints/endpoint-store.ts'
import { addSecret, countSecrets } from '../endpoints/secret-store.ts'
import {
  endpointParams,
  lockOr404,
  pingUnverified,
  requireOpen,
  SECRET_BYTES,
  sendTest,
  type WebhookRoutesDeps,
} from './webhook-endpoint-lookup.ts'
import { endpointSchema, invalid, toEndpoint } from './webhook-endpoint-schema.ts'

/** Default time for which a former secret signs beside the new one. */
const OVERLAP_HOURS = 24
/** Signatures of a request, at most. */
const MOST_SECRETS = 5
const REPLAY_LIMIT = 10_000

export const endpointActions = ({ database, clock, sealer, urls, idempotentReply }: WebhookRoutesDeps) =>
  routes((app) => {
    app.post(
      '/v1/webhook-endpoints/:endpointId/test',
      {
        config: { scope: 'write', idempotent: true },
        schema: {
          operationId: 'testWebhookEndpoint',
          summary: 'Sends a `webhook.test`; its delivery shows the result, and a 2xx verifies the endpoint',
          tags: ['webhooks'],
          params: endpointParams,
          response: {
            202: z
              .object({ deliveryId: z.uuid() })
              .meta({ examples: [{ deliveryId: '019371d5-4b1e-7cc0-8f4e-0a3f0d9c2b11' }] }),
            ...errors(404, 409),
          },
        },
      },
      async (request, reply) => {
        const { params, principal } = request
        const { tenantId } = principal
        return idempotentReply({ request, reply, status: 202 }, async (tx) => {
          const endpoint = await lockOr404(tx, tenantId, params.endpointId)
          requireOpen(endpoint, { test: true })
          await recordAudit(tx, principal, { action: 'webhook_endpoint.tested', subject: endpoint.endpointId })
          return { deliveryId: await sendTest(tx, tenantId, endpoint, clock.now()) }
        })
      },
    )
    app.post(
      '/v1/webhook-endpoints/:endpointId/rotate-secret',
      {
        config: { scope: 'write', idempotent: true },
        schema: {
          operationId: 'rotateWebhookSecret',
          summary: 'Adds a secret, shown this once; the former ones sign beside it until they expire',
          tags: ['webhooks'],
          params: endpointParams,
          body: z
            .strictObject({ overlapHours: z.number().min(0).max(168).default(OVERLAP_HOURS) })
            .nullish()
            .meta({ examples: [{ overlapHours: 24 }] }),
          response: {
            200: z
              .object({ secret: z.string(), formerExpireAt: z.iso.datetime() })
              .meta({ examples: [{ secret: 'whsec_...', formerExpireAt: '2026-11-23T10:00:00.000Z' }] }),
            ...errors(404, 409, 422),
          },
        },
      },
      async (request, reply) => {
        const { params, body, principal } = request
        const { endpointId } = params
        const secret = randomBytes(SECRET_BYTES)
        const now = clock.now()
        const formerExpireAt = Math.round(now + (body?.overlapHours ?? OVERLAP_HOURS) * HOUR_MS)
        return idempotentReply({ request, reply, status: 200 }, async (tx) => {
          await lockOr404(tx, principal.tenantId, endpointId)
          if ((await countSecrets(tx, endpointId, now)) >= MOST_SECRETS && formerExpireAt > now)
            throw new RequestError(409, 'too_many_secrets', 'Too many secrets are in force: let one expire first')
          await addSecret(tx, { endpointId, sealed: sealer.seal(secret, endpointId), now }, formerExpireAt)
          const detail = { formerExpireAt: toInstant(formerExpireAt) }
          await recordAudit(tx, principal, { action: 'webhook_endpoint.secret_rotated', subject: endpointId, detail })
          return { secret: formatSecret(secret), formerExpireAt: toInstant(formerExpireAt) }
        })
      },
    )
    app.post(
      '/v1/webhook-endpoints/:endpointId/enable',
      {
        config: { scope: 'write' },
        schema: {
          operationId: 'enableWebhookEndpoint',
          summary: 'Enables an endpoint; deliveries that ended meanwhile can be replayed',
          tags: ['webhooks'],
          params: endpointParams,
          response: { 200: endpointSchema, ...errors(404) },
        },
      },
      async ({ params, principal }) => {
        const { tenantId } = principal
        const { endpointId } = params
        return database.transaction(async (tx) => {
          await lockOr404(tx, tenantId, endpointId)
          const now = clock.now()
          const endpoint = await setEndpointState(tx, tenantId, endpointId, { state: 'enabled', reason: null, now })
          await pingUnverified(tx, tenantId, endpoint, now)
          await recordAudit(tx, principal, { action: 'webhook_endpoint.enabled', subject: endpointId })
          return toEndpoint(endpoint, urls)
        })
      },
    )
    app.post(
      '/v1/webhook-endpoints/:endpointId/replay',
      {
        config: { scope: 'write', idempotent: true },
        schema: {
          operationId: 'replayWebhookDeliveries',
          summary: `Sends finished deliveries of a time range again, oldest first, at most ${REPLAY_LIMIT} a call`,
          tags: ['webhooks'],
          params: endpointParams,
          body: z
            .strictObject({
              from: z.iso.datetime({ offset: true }),
              to: z.iso.datetime({ offset: true }),
              status: z.enum(['delivered', 'exhausted']).optional().describe('Default: both'),
            })
            .meta({
              examples: [{ from: '2026-11-22T00:00:00.000Z', to: '2026-11-23T00:00:00.000Z', status: 'exhausted' }],
            }),
          response: {
            202: z
              .object({
                replayed: z.int(),
                nextFrom: z.iso
                  .datetime()
                  .nullable()
                  .describe('Call again with this `from` for the rest; null: that was all'),
              })
              .meta({ examples: [{ replayed: 12, nextFrom: null }] }),
            ...errors(404, 409, 422),
          },
        },
      },
      async (request, reply) => {
        const { params, body, principal } = request
        const { endpointId } = params
        const range = { from: parseInstant(body.from), to: parseInstant(body.to), state: body.status ?? null }
        if (range.to <= range.from)
          throw invalid({ pointer: '/to', code: 'invalid_range', detail: 'The range ends after it begins' })
        return idempotentReply({ request, reply, status: 202 }, async (tx) => {
          requireOpen(await lockOr404(tx, principal.tenantId, endpointId), { test: false })
          const { count, lastAt } = await replayRange(
            tx,
            principal.tenantId,
            { endpointId, ...range, limit: REPLAY_LIMIT },
            clock.now(),
          )
          const detail = { ...body, replayed: count }
          await recordAudit(tx, principal, { action: 'webhook_endpoint.replayed', subject: endpointId, detail })
          return { replayed: count, nextFrom: count === REPLAY_LIMIT && lastAt !== null ? toInstant(lastAt) : null }
        })
      },
    )
  })
