import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Keyring } from '#libs/access/keyring.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { authenticateKey } from '../authenticate.ts'
import { routes } from '../routes.ts'
import { createHttpServer, type HttpServerOptions } from '../server.ts'

const keyring: Keyring = {
  authenticate: async (key) =>
    key.startsWith('good')
      ? { tenantId: key, keyId: key, name: key, scopes: ['write'] as const, operator: false }
      : undefined,
}
const things = routes((app) => {
  const schema = { body: z.looseObject({ name: z.string() }), response: { 201: z.object({}) } }
  app.post('/v1/things', { config: { scope: 'write' }, schema }, async (_request, reply) => reply.code(201).send({}))
  app.post('/v1/open', { config: { scope: 'write', keyInBody: true }, schema }, async (request, reply) => {
    await authenticateKey({ keyring, request, key: request.body.name, scope: 'write' })
    return reply.code(201).send({})
  })
})

let app: FastifyInstance
let base: string
const sockets: Socket[] = []
const start = async (options: Partial<HttpServerOptions> = {}): Promise<void> => {
  app = await createHttpServer({
    logger: silentLogger,
    metrics: createMetrics(),
    keyring,
    title: 'T',
    version: '1',
    checks: {},
    ...options,
  })
  await app.register(things)
  base = await app.listen({ port: 0, host: '127.0.0.1' })
}
beforeEach(() => start())
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await app.close()
})

const streamOf = (text: string) => new Blob([text]).stream()

type Opened = { readonly socket: Socket; readonly read: () => string; readonly isClosed: () => boolean }
/** A connection of its own that has written `text`. */
const open = async (text: string | Buffer, localAddress = '127.0.0.1'): Promise<Opened> => {
  const socket = connect({ port: Number(new URL(base).port), host: '127.0.0.1', localAddress })
  sockets.push(socket)
  let received = ''
  let closed = false
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1')
  })
  socket.on('close', () => {
    closed = true
  })
  await new Promise((resolve) => socket.write(text, resolve))
  return { socket, read: () => received, isClosed: () => closed }
}
const head = (line: string, length: number, key?: string): string =>
  `${line} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${
    key ? `authorization: Bearer ${key}\r\n` : ''
  }\r\n`
const post = (key: string, headers: Record<string, string> = {}) =>
  fetch(`${base}/v1/things`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: '{"name":"a"}',
  })
const many = <T>(count: number, make: () => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, make))

describe('bodies that do not arrive', () => {
  it('sockets without a key that promise a megabyte each stop nobody, and are ended with 408', async () => {
    const idle = await many(60, () => open(`${head('POST /v1/open', 1_048_576)}{`))
    for (let time = 0; time < 5; time++) expect((await post('good')).status).toBe(201)
    await eventually('all are ended', () => idle.every(({ isClosed }) => isClosed()), 10_000)
    for (const { read } of idle) expect(read()).toMatch(/^HTTP\/1\.1 408 .*connection: close.*body_too_slow/s)
  })
  it('a key whose bodies fill its share leaves room for another key', async () => {
    const slow = await many(50, () =>
      open(`${head('POST /v1/things', 1_000_000, 'good-a')}{"name":"${'a'.repeat(400_000)}`),
    )
    await eventually('some are refused', () => slow.some(({ read }) => read().includes(' 503 ')))
    expect((await post('good-b')).status).toBe(201)
    expect(slow.filter(({ read }) => read() === '').length).toBeGreaterThan(5)
  })
  it('a request that has its answer is cut when its body does not come', async () => {
    const refused = await open(`${head('POST /v1/things', 1_048_576, 'bad')}{`)
    await eventually('it is cut', refused.isClosed, 10_000)
    expect(refused.read()).toContain(' 401 ')
  })
  it('a slow link that moves is waited for, with pauses', async () => {
    const body = JSON.stringify({ name: 'a'.repeat(60_000) })
    const slow = await open(head('POST /v1/things', body.length, 'good'))
    for (let at = 0; at < body.length; at += 10_000) {
      await pause(at === 30_000 ? 3_000 : 600)
      slow.socket.write(body.slice(at, at + 10_000))
    }
    await eventually('it is answered', () => slow.read() !== '')
    expect(slow.read()).toContain(' 201 ')
  }, 20_000)
  it('a body of single bytes is refused before its chunks fill the memory', async () => {
    const chunks = '1\r\na\r\n'.repeat(100_000)
    const sender = await open(
      `POST /v1/things HTTP/1.1\r\nhost: a\r\nauthorization: Bearer good\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${chunks}`,
    )
    await eventually('it is answered', () => sender.read() !== '')
    expect(sender.read()).toContain(' 503 ')
  })
})

it('what is refused as too large keeps no room', async () => {
  const headers = { authorization: 'Bearer good', 'content-type': 'application/json' }
  const send = (body: string) =>
    fetch(`${base}/v1/things`, { method: 'POST', headers, body: streamOf(body), duplex: 'half' })
  for (let time = 0; time < 8; time++) expect((await send('a'.repeat(5_000_000))).status).toBe(413)
  expect((await send(JSON.stringify({ name: 'a'.repeat(900_000) }))).status).toBe(201)
})

describe('paths that are not there', () => {
  it.each([
    ['POST /nope', 404],
    ['PUT /v1/things', 405],
  ])('%s is answered with %i before its body, and the connection is closed', async (line, status) => {
    const sender = await open(`${head(line, 1_048_576)}{bad`)
    await eventually('it is closed', sender.isClosed, 5_000)
    expect(sender.read()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*connection: close`, 's'))
    expect(sender.read()).toContain('application/problem+json')
  })
  it('a client that is still sending gets the answer', async () => {
    const answer = await fetch(`${base}/nope`, { method: 'POST', body: Buffer.alloc(20_000_000) })
    expect([answer.status, await answer.json()]).toMatchObject([404, { code: 'not_found' }])
  })
  it('what 300 sockets send there is not kept', async () => {
    const before = process.memoryUsage.rss()
    const request = Buffer.from(head('POST /nope', 1_048_576) + 'a'.repeat(1_000_000))
    await many(300, () => open(request))
    await pause(500)
    expect((process.memoryUsage.rss() - before) / 1e6).toBeLessThan(150)
  })
  it('a request without a body keeps its connection', async () => {
    const reader = await open('GET /nope HTTP/1.1\r\nhost: a\r\n\r\n')
    await eventually('first answer', () => reader.read().includes(' 404 '))
    reader.socket.write('GET /livez HTTP/1.1\r\nhost: a\r\n\r\n')
    await eventually('second answer', () => reader.read().includes(' 200 '))
    expect(reader.isClosed()).toBe(false)
  })
})

describe('one address', () => {
  it('cannot take all connections', async () => {
    await app.close()
    await start({ maxConnections: 20 })
    const first = await many(15, () => open(''))
    await eventually('five are closed', () => first.filter(({ isClosed }) => isClosed()).length === 5)
    const other = await open('GET /livez HTTP/1.1\r\nhost: a\r\n\r\n', '127.0.0.2')
    await eventually('another address is served', () => other.read() !== '')
    expect(other.read()).toContain(' 200 ')
  })
  it('gets 429 with Retry-After for a burst of wrong keys, while its good keys work', async () => {
    const answers = await many(130, () => post('bad'))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.length).toBe(30)
    expect(Number(refused[0]!.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await post('good')).status).toBe(201)
  })
  it.each([
    ['is named by a trusted proxy', ['127.0.0.0/8'], 401],
    ['is not named by a stranger', [], 429],
  ])('%s', async (_name, trustedProxies, status) => {
    await app.close()
    await start({ trustedProxies })
    await many(130, () => post('bad', { 'x-forwarded-for': '192.0.2.1' }))
    expect((await post('bad', { 'x-forwarded-for': '192.0.2.2' })).status).toBe(status)
  })
})
