import type { Scope } from '#libs/access/keyring.ts'
import { createHttpServer } from '#libs/http/server.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import type { Platform, Service } from '#libs/runtime/service.ts'

export type RoutesClient = {
  /** Parsed body of a GET; throws on any status but 200. */
  readonly get: <Body>(path: string) => Promise<Body>
  readonly status: (path: string) => Promise<number>
  readonly send: (
    method: 'PUT' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
  ) => Promise<{ status: number; body: unknown }>
  readonly close: () => Promise<void>
}

/** A service's routes behind the real HTTP door, as tenant `default` with every scope. */
export const createRoutesClient = async (platform: Platform, service: Service): Promise<RoutesClient> => {
  const scopes: Scope[] = ['ingest', 'read', 'write', 'admin']
  const keyring = {
    authenticate: async () => ({ tenantId: 'default', keyId: 'key', name: 'tester', scopes, operator: true }),
  }
  const { metrics } = platform
  const app = await createHttpServer({ logger: silentLogger, metrics, keyring, title: 'T', version: '0', checks: {} })
  await app.register(service.routes)
  await app.ready()
  const call = (method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: string, body?: unknown) =>
    app.inject({
      method,
      url,
      headers: { authorization: 'Bearer key', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    })
  return {
    get: async (path) => {
      const answer = await call('GET', path)
      if (answer.statusCode !== 200) throw new Error(`GET ${path}: ${answer.statusCode} ${answer.body}`)
      return answer.json()
    },
    status: async (path) => (await call('GET', path)).statusCode,
    send: async (method, path, body) => {
      const answer = await call(method, path, body)
      return { status: answer.statusCode, body: answer.body === '' ? undefined : answer.json() }
    },
    close: () => app.close(),
  }
}
