import { connect } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Keyring } from '#libs/access/keyring.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { routes } from './routes.ts'
import { createHttpServer } from './server.ts'

const peers: string[] = []
const keyring: Keyring = {
  authenticate: async (_key, peer) => {
    peers.push(peer)
    return { tenantId: 't1', keyId: 'k1', name: 'key', scopes: ['write'], operator: false }
  },
}
const things = routes((app) => {
  const schema = { response: { 204: z.null() } }
  app.delete('/v1/things/:thingId', { config: { scope: 'write' }, schema }, async (_, reply) =>
    reply.code(204).send(null),
  )
})

let app: FastifyInstance
let base: string
let asked: number
let stuck: readonly string[]
beforeEach(async () => {
  asked = 0
  stuck = []
  app = await createHttpServer({
    logger: silentLogger,
    metrics: createMetrics(),
    keyring,
    title: 'Test',
    version: '1',
    checks: { database: async () => void asked++ },
    stuck: () => stuck,
  })
  await app.register(things)
  base = await app.listen({ port: 0, host: '127.0.0.1' })
})
afterEach(() => app.close())

const remove = (headers: Record<string, string>) =>
  fetch(`${base}/v1/things/a`, { method: 'DELETE', headers: { authorization: 'Bearer good', ...headers } })

it.each(['application/json', 'application/x-www-form-urlencoded'])(
  'a request without a body may say %s',
  async (type) => {
    expect((await remove({ 'content-type': type })).status).toBe(204)
  },
)

describe('a peer', () => {
  it.each([
    [{}, '127.0.0.1'],
    [{ 'x-forwarded-for': '127.0.0.1' }, 'forwarded'],
    [{ 'x-real-ip': '127.0.0.1' }, 'forwarded'],
    [{ via: '1.1 proxy' }, 'forwarded'],
  ])('with the headers %j is %s', async (headers, expected) => {
    await remove(headers as Record<string, string>)
    expect(peers.at(-1)).toBe(expected)
  })
  it.each([
    ['HTTP/1.1\r\nhost: pulso.example', 'forwarded'],
    ['HTTP/1.0\r\nhost: 127.0.0.1', 'forwarded'],
    ['HTTP/1.1\r\nhost: localhost:8080', '127.0.0.1'],
  ])('that writes %j is %s', async (head, expected) => {
    const socket = connect(Number(new URL(base).port), '127.0.0.1')
    socket.end(`DELETE /v1/things/a ${head}\r\nauthorization: Bearer good\r\nconnection: close\r\n\r\n`)
    await new Promise((resolve) => socket.resume().on('close', resolve))
    expect(peers.at(-1)).toBe(expected)
  })
})

describe('what is public', () => {
  it('a process whose work hangs is no longer alive, and names nothing to a stranger', async () => {
    expect((await fetch(`${base}/livez`)).status).toBe(200)
    stuck = ['batch of usage.events']
    const answer = await fetch(`${base}/livez`)
    expect([answer.status, await answer.json()]).toEqual([503, { status: 'stuck' }])
  })
  it('asks each dependency once a second at most, whoever asks', async () => {
    await Promise.all(Array.from({ length: 50 }, () => fetch(`${base}/readyz`)))
    expect(asked).toBe(1)
  })
  it('sends nobody from plain http to https', async () => {
    const answer = await fetch(`${base}/docs`)
    expect(answer.headers.get('content-security-policy')).not.toContain('upgrade-insecure-requests')
    expect(answer.headers.has('strict-transport-security')).toBe(false)
  })
  it('answers /docs/json with the same document', async () => {
    const [first, second] = await Promise.all(['/docs/json', '/openapi.json'].map((path) => fetch(base + path)))
    expect(await first!.text()).toBe(await second!.text())
  })
})
