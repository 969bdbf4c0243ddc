import { z } from 'zod'
import type { IdempotentReply } from '#libs/access/idempotent-reply.ts'
import type { Sealer } from '#libs/access/seal-secret.ts'
import { notFound } from '#libs/http/problems/problem.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { type Endpoint, findEndpoint, lockEndpoint } from '../endpoints/endpoint-store.ts'
import type { WebhookRules } from '../endpoints/validate-url.ts'

export type WebhookRoutesDeps = {
  readonly database: Database
  readonly clock: Clock
  readonly sealer: Sealer
  readonly rules: WebhookRules
  readonly idempotentReply: IdempotentReply
}

export const SECRET_BYTES = 32
export const endpointParams = z.object({
  endpointId: z.uuid().meta({ examples: ['019371d5-4b1e-7cc0-8f4e-0a3f0d9c2b11'] }),
})

export const findOr404 = async (sql: Sql, tenantId: string, endpointId: string): Promise<Endpoint> =>
  found(await findEndpoint(sql, tenantId, endpointId))

export const lockOr404 = async (tx: Sql, tenantId: string, endpointId: string): Promise<Endpoint> =>
  found(await lockEndpoint(tx, tenantId, endpointId))

const found = (endpoint: Endpoint | undefined): Endpoint => {
  if (!endpoint) throw notFound('webhook endpoint')
  return endpoint
}

/** Nothing is sent to a disabled endpoint, not even a test. */
export const requireEnabled = ({ state }: Pick<Endpoint, 'state'>): void => {
  if (state !== 'enabled') throw new RequestError(409, 'endpoint_disabled', 'The endpoint is disabled: enable it first')
}
