import type { FastifyInstance } from 'fastify'
import type { Keyring, Scope } from '#libs/access/keyring.ts'
import { createHttpServer } from '#libs/http/server.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { alertingConfigSchema } from '../../../services/alerting/config.ts'
import { createAlerting } from '../../../services/alerting/service.ts'
import { createRecordingBus } from '../bus/recording-bus.ts'
import { testTombstones } from '../tombstones.ts'

/** Keys `<tenant>` and `<tenant>-reader`: the first may read and write, the second only read. */
const keyring: Keyring = {
  authenticate: async (key) => {
    const reader = key.endsWith('-reader')
    const tenantId = reader ? key.slice(0, -'-reader'.length) : key
    const scopes: Scope[] = reader ? ['read'] : ['read', 'write']
    return { tenantId, keyId: `id-${key}`, name: key, scopes, operator: false }
  },
}

/** What the tests read of the answers, whichever route gave them. */
type Item = Readonly<Record<string, unknown>> & { readonly id: string }
type AnswerBody = Item & {
  readonly items: readonly Item[]
  readonly transitions: readonly Item[]
  readonly errors: readonly { readonly pointer: string }[]
}

export type AlertingServer = {
  readonly app: FastifyInstance
  /** Answers status and parsed body; `key` is the tenant's. */
  readonly call: (
    method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH',
    path: string,
    body?: unknown,
    key?: string,
  ) => Promise<{ status: number; body: AnswerBody }>
}

/** The alerting service's routes behind the real HTTP door, with nothing of it running. */
export const createAlertingServer = async (database: Database, clock: Clock): Promise<AlertingServer> => {
  const metrics = createMetrics()
  const bus = createRecordingBus()
  const settings = { timeZone: 'UTC', encryptionKey: Buffer.alloc(32, 7), deadLetterDays: 30 }
  const platform = {
    clock,
    logger: silentLogger,
    metrics,
    database,
    apiDatabase: database,
    bus,
    keyring,
    tombstones: testTombstones,
    settings,
  }
  const service = createAlerting(platform, alertingConfigSchema.parse({}))
  const app = await createHttpServer({ logger: silentLogger, metrics, keyring, title: 'A', version: '0', checks: {} })
  await app.register(service.routes)
  await app.ready()
  return {
    app,
    call: async (method, path, body, key = 'default') => {
      const text = typeof body === 'string'
      const answer = await app.inject({
        method,
        url: path,
        headers: {
          authorization: `Bearer ${key}`,
          ...(body === undefined ? {} : { 'content-type': text ? 'application/yaml' : 'application/json' }),
        },
        ...(body === undefined ? {} : { payload: text ? body : JSON.stringify(body) }),
      })
      return { status: answer.statusCode, body: answer.body === '' ? ({} as AnswerBody) : answer.json<AnswerBody>() }
    },
  }
}
