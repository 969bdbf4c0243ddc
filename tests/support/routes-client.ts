import type { Scope } from '#libs/access/keyring.ts'
import { createHttpServer } from '#libs/http/server.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import type { Platform, Service } from '#libs/runtime/service.ts'

export type RoutesClient = {
  /** Parsed body of a GET; throws on any status but 200. */
  readonly get: <Body>(path: string) => Promise<Body>
  readonly status: (path: string) => Promise<number>
  /** Body of a GET as text, asked for as that type. */
  readonly text: (path: string, accept: string) => Promise<string>
  /** A body that is text goes as YAML. */
  readonly send: (
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
  ) => Promise<{ status: number; body: unknown }>
  readonly close: () => Promise<void>
}

/** A service's routes behind the real HTTP door, with every scope of a tenant. */
export const createRoutesClient = async (
  platform: Platform,
  service: Service,
  tenantId = 'default',
): Promise<RoutesClient> => {
  const scopes: Scope[] = ['ingest', 'read', 'write', 'admin']
  const keyring = {
    authenticate: async () => ({ tenantId, keyId: 'key', name: 'tester', scopes, operator: true }),
  }
  const { metrics } = platform
  const app = await createHttpServer({ logger: silentLogger, metrics, keyring, title: 'T', version: '0', checks: {} })
  await app.register(service.routes)
  await app.ready()
  const call = (method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: string, body?: unknown) =>
    app.inject({
      method,
      url,
      headers: {
        authorization: 'Bearer key',
        ...(body === undefined ? {} : { 'content-type': `application/${typeof body === 'string' ? 'yaml' : 'json'}` }),
      },
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
  return {
    get: async (path) => {
      const answer = await call('GET', path)
      if (answer.statusCode !== 200) throw new Error(`GET ${path}: ${answer.statusCode} ${answer.body}`)
      return answer.json()
    },
    status: async (path) => (await call('GET', path)).statusCode,
    text: async (url, accept) =>
      (await app.inject({ method: 'GET', url, headers: { authorization: 'Bearer key', accept } })).body,
    send: async (method, path, body) => {
      const answer = await call(method, path, body)
      return { status: answer.statusCode, body: answer.body === '' ? undefined : answer.json() }
    },
    close: () => app.close(),
  }
}
