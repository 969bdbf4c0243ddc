import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { z } from 'zod'
import type { Keyring } from '#libs/access/keyring.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { authenticateKey } from '../authenticate.ts'
import { routes } from '../routes.ts'
import { createHttpServer } from '../server.ts'
import { createRequestCounter } from './request-counter.ts'

const keyring: Keyring = {
  authenticate: async (key) =>
    key === 'bad' ? undefined : { tenantId: 't', keyId: key, name: key, scopes: ['read'], operator: false },
}

const things = routes((app) => {
  const schema = { response: { 200: z.object({}) } }
  app.get('/v1/things', { config: { scope: 'read' }, schema }, async () => ({}))
  app.post('/capture', { config: { scope: 'ingest', keyInBody: true }, schema }, async (request) => {
    await authenticateKey({ keyring, request, key: (request.body as { key: string }).key, scope: 'read' })
    return {}
  })
})

const servers: FastifyInstance[] = []
// The counter's library reads the time of day.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(async () => {
  vi.useRealTimers()
  for (const server of servers.splice(0)) await server.close()
})
const counterOf = (requests: number) => createRequestCounter({ requests, windowS: 10, logger: silentLogger })
const serve = async (requests: number, requestCounter = counterOf(requests)): Promise<FastifyInstance> => {
  const app = await createHttpServer({
    logger: silentLogger,
    metrics: createMetrics(),
    keyring,
    title: 'Test',
    version: '1',
    checks: {},
    requestCounter,
  })
  await app.register(things)
  servers.push(app)
  return app
}
const get = (app: FastifyInstance, key: string, url = '/v1/things') =>
  app.inject({ url, headers: { authorization: `Bearer ${key}` } })
const statuses = async (app: FastifyInstance, key: string, times: number): Promise<number[]> => {
  const answers: number[] = []
  for (let time = 0; time < times; time++) answers.push((await get(app, key)).statusCode)
  return answers
}

it('the answer to a key that makes too many requests says when to come back, and the key may come back then', async () => {
  const app = await serve(3)
  const first = await get(app, 'a')
  expect(first.headers).toMatchObject({
    'ratelimit-limit': '3',
    'ratelimit-remaining': '2',
    'ratelimit-reset': '10',
  })
  expect(await statuses(app, 'a', 2)).toEqual([200, 200])
  vi.advanceTimersByTime(4_500)
  const refused = await get(app, 'a')
  expect(refused.statusCode).toBe(429)
  expect(refused.headers).toMatchObject({
    'content-type': 'application/problem+json; charset=utf-8',
    'retry-after': '6',
    'ratelimit-remaining': '0',
    'ratelimit-reset': '6',
  })
  expect(refused.json()).toMatchObject({ status: 429, code: 'rate_limited' })
  vi.advanceTimersByTime(5_500)
  expect(await statuses(app, 'a', 4)).toEqual([200, 200, 200, 429])
})

it('another key, health checks and requests without a good key are not counted', async () => {
  const app = await serve(2)
  expect(await statuses(app, 'a', 3)).toEqual([200, 200, 429])
  expect(await statuses(app, 'bad', 5)).toEqual([401, 401, 401, 401, 401])
  expect(await statuses(app, 'b', 2)).toEqual([200, 200])
  for (const url of ['/livez', '/readyz', '/metrics', '/openapi.json'])
    for (let time = 0; time < 3; time++) expect((await get(app, 'a', url)).statusCode).toBe(200)
})

it('a key in the body counts like one in the header', async () => {
  const app = await serve(2)
  const capture = () => app.inject({ method: 'POST', url: '/capture', payload: { key: 'a' } })
  expect((await capture()).headers['ratelimit-remaining']).toBe('1')
  expect(await statuses(app, 'a', 1)).toEqual([200])
  const refused = await capture()
  expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '10'])
})

it('servers that share a counter share the limit; with a limit of 0 nothing is counted', async () => {
  const counter = counterOf(2)
  const [one, two] = [await serve(2, counter), await serve(2, counter)]
  expect([...(await statuses(one, 'a', 1)), ...(await statuses(two, 'a', 2))]).toEqual([200, 200, 429])
  const free = await serve(0)
  expect(await statuses(free, 'a', 5)).toEqual([200, 200, 200, 200, 200])
  expect((await get(free, 'a')).headers['ratelimit-limit']).toBeUndefined()
})

it('every route that takes a key documents 429', async () => {
  const app = await serve(2)
  await app.ready()
  const { paths } = app.swagger() as unknown as { paths: Record<string, Record<string, { responses: object }>> }
  expect(Object.keys(paths['/v1/things']!.get!.responses)).toContain('429')
  expect(Object.keys(paths['/livez']!.get!.responses)).not.toContain('429')
})
