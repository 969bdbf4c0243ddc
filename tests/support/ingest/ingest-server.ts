import type { FastifyInstance } from 'fastify'
import type { Keyring, Scope } from '#libs/access/keyring.ts'
import type { Bus } from '#libs/bus/bus.ts'
import { createHttpServer } from '#libs/http/server.ts'
import type { Database } from '#libs/postgres/database.ts'
import { type Clock, systemClock } from '#libs/runtime/clock.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { ingestConfigSchema } from '../../../services/ingest/config.ts'
import { createIngest, type IngestOptions } from '../../../services/ingest/service.ts'
import { testTombstones } from '../tombstones.ts'

/** Keys `tenant-a`, `tenant-b`: one tenant each, named `backend`, for ingest only. */
const keyring: Keyring = {
  authenticate: async (key) =>
    key.startsWith('tenant-')
      ? { tenantId: key, keyId: `id-${key}`, name: 'backend', scopes: ['ingest'] as Scope[], operator: false }
      : undefined,
}

export type IngestServer = { readonly app: FastifyInstance; readonly base: string }

/**
 * The ingest service behind the real HTTP door on a free port of loopback, over the bus that the
 * test gives.
 */
export const startIngest = async (
  bus: Bus,
  clock: Clock = systemClock,
  options: IngestOptions & { readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<IngestServer> => {
  const metrics = createMetrics()
  const platform = {
    clock,
    logger: silentLogger,
    metrics,
    database: undefined as unknown as Database,
    apiDatabase: undefined as unknown as Database,
    bus,
    keyring,
    tombstones: testTombstones,
    settings: { timeZone: 'UTC', encryptionKey: Buffer.alloc(32), deadLetterDays: 30 },
  }
  const service = createIngest(platform, ingestConfigSchema.parse(options.environment ?? {}), options)
  const checks = { bus: bus.check }
  const app = await createHttpServer({ logger: silentLogger, metrics, keyring, title: 'Ingest', version: '0', checks })
  await app.register(service.routes)
  return { app, base: await app.listen({ port: 0, host: '127.0.0.1' }) }
}

export type AnswerBody = {
  accepted: number
  duplicate: number
  rejected: number
  results: {
    index: number
    id: string
    status: string
    retryable?: boolean
    problem?: { code: string; errors: { pointer: string; code: string }[] }
  }[]
  errors?: { pointer: string; code: string }[]
}
export type Answer = { status: number; body: AnswerBody; headers: Headers }
export type SendOptions = { key?: string; type?: string; headers?: Record<string, string>; query?: string }
/** `POST /v1/events`, as key `tenant-a` and JSON unless told otherwise. */
export const sendEvents = async (base: string, text: string, options: SendOptions = {}): Promise<Answer> => {
  const { key = 'tenant-a', type = 'application/json', headers = {}, query = '' } = options
  const answer = await fetch(`${base}/v1/events${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': type, ...headers },
    body: text,
  })
  return { status: answer.status, body: (await answer.json()) as AnswerBody, headers: answer.headers }
}
