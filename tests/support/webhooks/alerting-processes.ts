import { onTestFinished } from 'vitest'
import type { Scope } from '#libs/access/keyring.ts'
import { accountKey } from '#libs/contracts/topics.ts'
import { createHttpServer } from '#libs/http/server.ts'
import type { Database } from '#libs/postgres/database.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import type { Platform } from '#libs/runtime/service.ts'
import { alertingConfigSchema } from '../../../services/alerting/config.ts'
import { createAlerting } from '../../../services/alerting/service.ts'
import { createTestPlatform } from '../processes/platform.ts'
import { accountChange } from '../scoring/account-changes.ts'

type Body = Readonly<Record<string, unknown>> & {
  readonly id: string
  readonly deliveryId: string
  readonly items: readonly (Readonly<Record<string, unknown>> & { readonly id: string })[]
}
type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

export type AlertingProcess = {
  readonly call: (
    method: Method,
    path: string,
    body?: object,
    idempotencyKey?: string,
  ) => Promise<{ readonly status: number; readonly body: Body }>
  readonly stop: () => Promise<void>
}

export type AlertingProcesses = {
  readonly database: Database
  /** Starts the whole service, as a new process would, on the same database. */
  readonly start: (
    environment?: Readonly<Record<string, string>>,
    settings?: Partial<Platform['settings']>,
  ) => Promise<AlertingProcess>
  /** An account falls below the threshold of a shipped rule. */
  readonly fire: (accountId: string) => Promise<void>
}

const LOOPBACK = {
  PULSO_WEBHOOK_ALLOW: '127.0.0.1/32:*',
  PULSO_WEBHOOK_ALLOW_HTTP: 'true',
  PULSO_WEBHOOK_SCHEDULE: '0s,1s,1s,1s,1s',
}

const keyring = {
  authenticate: async () => {
    const scopes: Scope[] = ['read', 'write']
    return { tenantId: 'default', keyId: 'key', name: 'tester', scopes, operator: false }
  },
}

/** The alerting service on a database of its own, for the time of a test. */
export const alertingProcesses = async (): Promise<AlertingProcesses> => {
  const shared = await createTestPlatform()
  const { platform } = shared
  const running = new Set<AlertingProcess>()
  onTestFinished(async () => {
    for (const { stop } of running) await stop()
    await shared.stop()
  })
  await shared.prepare(createAlerting({ ...platform, metrics: createMetrics() }, alertingConfigSchema.parse({})))

  return {
    database: platform.database,
    start: async (environment = {}, settings = {}) => {
      const own = { ...platform, metrics: createMetrics(), settings: { ...platform.settings, ...settings } }
      const service = createAlerting(own, alertingConfigSchema.parse({ ...LOOPBACK, ...environment }))
      const door = { logger: silentLogger, metrics: own.metrics, keyring, title: 'A', version: '0', checks: {} }
      const app = await createHttpServer(door)
      await app.register(service.routes)
      await app.ready()
      await service.start()
      const process: AlertingProcess = {
        call: async (method, url, body, key) => {
          const answer = await app.inject({
            method,
            url,
            headers: { authorization: 'Bearer key', ...(key === undefined ? {} : { 'idempotency-key': key }) },
            ...(body === undefined ? {} : { payload: body }),
          })
          return { status: answer.statusCode, body: answer.body === '' ? ({} as Body) : answer.json<Body>() }
        },
        stop: async () => {
          running.delete(process)
          await app.close()
          await service.stop()
        },
      }
      running.add(process)
      return process
    },
    fire: async (accountId) => {
      const change = accountChange({ accountId, sequence: 1, score: 40, previousScore: 80, at: Date.now() })
      const value = Buffer.from(JSON.stringify(change))
      await platform.bus.publish('account.health', [{ key: accountKey('default', accountId), value }])
    },
  }
}
