import { z } from 'zod'
import type { IdempotentReply } from '#libs/access/idempotent-reply.ts'
import type { Sealer } from '#libs/access/seal-secret.ts'
import { notFound } from '#libs/http/problems/problem.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { type Endpoint, findEndpoint, lockEndpoint } from '../endpoints/endpoint-store.ts'
import type { UrlSeal } from '../endpoints/sealed-url.ts'
import type { WebhookRules } from '../endpoints/validate-url.ts'
import { enqueueFor } from '../notifications/enqueue-deliveries.ts'
import { testNotification } from '../notifications/tenant-notification.ts'

export type WebhookRoutesDeps = {
  readonly database: Database
  readonly clock: Clock
  readonly sealer: Sealer
  readonly urls: UrlSeal
  readonly rules: WebhookRules
  /** Whether a new URL gets nothing but tests until it has answered one. */
  readonly verify: boolean
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

/** Nothing is sent to a disabled endpoint, not even a test, and to an unverified one only tests. */
export const requireOpen = ({ state }: Pick<Endpoint, 'state'>, { test }: { readonly test: boolean }): void => {
  if (state === 'disabled')
    throw new RequestError(409, 'endpoint_disabled', 'The endpoint is disabled: enable it first')
  if (state === 'unverified' && !test)
    throw new RequestError(409, 'endpoint_unverified', 'The endpoint has answered no test with 2xx yet')
}

/** A test delivery, which verifies the endpoint when it is answered 2xx; returns its id. */
export const sendTest = (tx: Sql, tenantId: string, endpoint: Endpoint, now: number): Promise<string> =>
  enqueueFor(tx, endpoint, testNotification(tenantId, now))

export const pingUnverified = async (tx: Sql, tenantId: string, endpoint: Endpoint, now: number): Promise<void> => {
  if (endpoint.state === 'unverified') await sendTest(tx, tenantId, endpoint, now)
}
