import { gzipSync } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { routes } from '../routes.ts'
import { createHttpServer, type HttpLimits } from '../server.ts'

const keyring = {
  authenticate: async () => ({ tenantId: 't', keyId: 'k', name: 'k', scopes: ['write'] as const, operator: false }),
}
const things = routes((app) => {
  const schema = { body: z.object({ name: z.string() }), response: { 201: z.object({}) } }
  app.post('/v1/things', { config: { scope: 'write' }, schema }, async (_request, reply) => reply.code(201).send({}))
})

let app: FastifyInstance
let base: string
const start = async (limits: Partial<HttpLimits>): Promise<void> => {
  const metrics = createMetrics()
  const checks = { database: async () => {} }
  app = await createHttpServer({ logger: silentLogger, metrics, keyring, title: 'T', version: '1', checks, limits })
  await app.register(things)
  base = await app.listen({ port: 0, host: '127.0.0.1' })
}
afterEach(() => app.close())

const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
  fetch(`${base}/v1/things`, {
    method: 'POST',
    headers: { authorization: 'Bearer good', 'content-type': 'application/json', ...headers },
    body,
  })
const expectRefusal = async (answer: Response): Promise<void> => {
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
  expect(answer.headers.get('content-type')).toContain('application/problem+json')
  expect(await answer.json()).toMatchObject({ status: 503, code: 'overloaded' })
}
const small = '{"name":"a"}'

it('turns requests away with 503 and Retry-After, but not health checks', async () => {
  await start({ maxInFlight: 0 })
  await expectRefusal(await post(small))
  expect((await fetch(`${base}/readyz`)).status).toBe(200)
})

it('turns requests away while the event loop is late, but not health checks', async () => {
  await start({ maxEventLoopDelayMs: 30, loopSampleMs: 1_000 })
  await eventually('a request is refused', async () => {
    const blockedUntil = performance.now() + 500
    while (performance.now() < blockedUntil);
    const answer = await post(small)
    if (answer.status === 503) await expectRefusal(answer)
    return answer.status === 503
  })
  expect((await fetch(`${base}/readyz`)).status).toBe(200)
  await eventually('requests are taken again', async () => (await post(small)).status === 201)
})

it('counts the bytes of the bodies under way', async () => {
  await start({ maxInFlightBytes: 1_000 })
  expect((await post(small)).status).toBe(201)
  expect((await post(small)).status).toBe(201)
  await expectRefusal(await post(`{"name":"${'a'.repeat(2_000)}"}`))
})

it('counts what a compressed body inflates to, and gives it back', async () => {
  await start({ maxInFlightBytes: 2_000 })
  const zipped = { 'content-encoding': 'gzip' }
  const large = gzipSync(`{"name":"${'a'.repeat(50_000)}"}`)
  expect(large.length).toBeLessThan(2_000)
  for (let time = 0; time < 3; time++) {
    await expectRefusal(await post(large, zipped))
    expect((await post(gzipSync(small), zipped)).status).toBe(201)
  }
})
