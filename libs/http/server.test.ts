import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Keyring } from '#libs/access/keyring.ts'
import { RequestError, UnavailableError } from '#libs/runtime/errors.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { errors } from './problems/problem.ts'
import { routes } from './routes.ts'
import { createHttpServer, type HttpServerOptions } from './server.ts'

const keyring: Keyring = {
  authenticate: async (key) =>
    key === 'good' || key === 'reader'
      ? {
          tenantId: 't1',
          keyId: 'k1',
          name: 'key',
          scopes: key === 'good' ? ['ingest', 'write'] : ['read'],
          operator: false,
        }
      : undefined,
}

const things = routes((app) => {
  app.post(
    '/v1/things',
    {
      config: { scope: 'write' },
      schema: {
        operationId: 'createThing',
        summary: 'Makes a thing',
        body: z.object({ name: z.string().min(1), parts: z.array(z.object({ size: z.int() })).optional() }),
        response: { 201: z.object({ name: z.string(), by: z.string() }), ...errors(404, 422) },
      },
    },
    async (request, reply) => reply.code(201).send({ name: request.body.name, by: request.principal.tenantId }),
  )
  app.get(
    '/v1/things/:thingId',
    {
      config: { scope: 'write' },
      schema: {
        operationId: 'getThing',
        summary: 'One thing',
        params: z.object({ thingId: z.string().max(40) }),
        querystring: z.object({ limit: z.coerce.number().int().max(10).default(1) }),
        response: { 200: z.object({ id: z.string() }), ...errors(404) },
      },
    },
    async (request) => {
      const { thingId } = request.params
      if (thingId === 'away') throw new UnavailableError('connection refused at 10.1.2.3')
      if (thingId === 'broken') throw new Error('password is hunter2')
      if (thingId === 'gone') throw new RequestError(404, 'not_found', 'There is no such thing')
      return { id: thingId }
    },
  )
})

let app: FastifyInstance
const start = async (options: Partial<HttpServerOptions> = {}): Promise<string> => {
  app = await createHttpServer({
    logger: silentLogger,
    metrics: createMetrics(),
    keyring,
    title: 'Test',
    version: '1',
    checks: { database: async () => {} },
    ...options,
  })
  await app.register(things)
  return app.listen({ port: 0, host: '127.0.0.1' })
}

const bearer = { authorization: 'Bearer good' }
const json = { ...bearer, 'content-type': 'application/json' }

let base: string
beforeEach(async () => {
  base = await start()
})
afterEach(() => app.close())

const expectProblem = async (answer: Response, status: number, code: string) => {
  const text = await answer.text()
  expect([answer.status, text]).toEqual([status, expect.stringContaining(`"code":"${code}"`)])
  expect(answer.headers.get('content-type')).toContain('application/problem+json')
  const body = JSON.parse(text)
  expect(body).toMatchObject({ status, code, type: `urn:pulso:problem:${code}` })
  expect(body.requestId).toBe(answer.headers.get('x-request-id'))
  return body as { errors?: { pointer: string; code: string }[]; detail: string }
}
const post = (body: RequestInit['body'], headers: Record<string, string> = json) =>
  fetch(`${base}/v1/things`, { method: 'POST', headers, body: body! })

describe('every error is a problem', () => {
  it('says which parts of a body are not valid, by pointer', async () => {
    const body = await expectProblem(
      await post('{"name":"","parts":[{"size":1},{"size":"x"}]}'),
      422,
      'invalid_request',
    )
    expect(body.errors?.map((error) => error.pointer)).toEqual(['/name', '/parts/1/size'])
  })
  it('says which parameter is not valid', async () => {
    const answer = await fetch(`${base}/v1/things/a?limit=11`, { headers: bearer })
    expect((await expectProblem(answer, 400, 'invalid_parameter')).errors?.[0]?.pointer).toBe('/query/limit')
  })
  it.each([
    ['no JSON', '{"name":', 'invalid_json'],
    ['an empty body', '', 'empty_body'],
    ['a prototype key', '{"name":"a","__proto__":{"x":1}}', 'invalid_json'],
  ])('%s is 400', async (_name, body, code) => {
    await expectProblem(await post(body), 400, code)
  })
  it.each([
    ['NUL', '{"name":"a\\u0000"}', '/name'],
    ['a lone surrogate', '{"name":"a","extra":["\\ud800"]}', '/extra/0'],
    ['a number beyond a double', '{"name":"a","extra":{"a/b":1e400}}', '/extra/a~1b'],
    ['deep nesting', `{"name":"a","extra":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, `/extra${'/0'.repeat(31)}`],
  ])('%s in a body is 422 with its pointer', async (_name, body, pointer) => {
    expect((await expectProblem(await post(body), 422, 'invalid_request')).errors?.[0]?.pointer).toBe(pointer)
  })
  it('bytes that are not UTF-8 are 400, and so is NUL in a path', async () => {
    await expectProblem(await post(Buffer.from([0x22, 0xff, 0x22])), 400, 'invalid_utf8')
    await expectProblem(await fetch(`${base}/v1/things/a%00b`, { headers: bearer }), 400, 'invalid_parameter')
  })
  it('an unknown Content-Type is 415', async () => {
    for (const type of ['application/xml', 'text/plain'])
      await expectProblem(await post('{}', { ...bearer, 'content-type': type }), 415, 'unsupported_media_type')
  })
  it('an address that cannot be decoded is 400, one that is too long 414', async () => {
    const odd = await expectProblem(await fetch(`${base}/v1/things/%ff`, { headers: bearer }), 400, 'invalid_url')
    expect(odd.errors?.[0]?.pointer).toBe('/path')
    await expectProblem(await fetch(`${base}/v1/things/${'a'.repeat(1_501)}`, { headers: bearer }), 414, 'url_too_long')
  })
  it('an unknown Content-Encoding is 415', async () => {
    await expectProblem(await post('{}', { ...json, 'content-encoding': 'zip' }), 415, 'unsupported_encoding')
  })
  it('bytes that are not what Content-Encoding says are 400', async () => {
    await expectProblem(await post('{"name":"a"}', { ...json, 'content-encoding': 'gzip' }), 400, 'invalid_encoding')
    const cut = gzipSync(randomBytes(5_000)).subarray(0, 3_000)
    await expectProblem(await post(cut, { ...json, 'content-encoding': 'gzip' }), 400, 'invalid_encoding')
  })
  it('an id that no thing can have is 404, and says so', async () => {
    const answer = await fetch(`${base}/v1/things/${'a'.repeat(41)}`, { headers: bearer })
    expect((await expectProblem(answer, 404, 'not_found')).errors?.[0]?.pointer).toBe('/path/thingId')
  })
  it('an unknown path is 404 and a wrong method 405 with Allow', async () => {
    expect((await expectProblem(await fetch(`${base}/v1/nothing`), 404, 'not_found')).errors).toEqual([])
    const answer = await fetch(`${base}/v1/things/a`, { method: 'DELETE', headers: bearer })
    expect(answer.headers.get('allow')).toContain('GET')
    await expectProblem(answer, 405, 'method_not_allowed')
  })
  it('a missing or bad key is 401, a missing scope 403', async () => {
    const answer = await fetch(`${base}/v1/things/a`)
    expect(answer.headers.get('www-authenticate')).toContain('Bearer')
    await expectProblem(answer, 401, 'unauthenticated')
    await expectProblem(
      await fetch(`${base}/v1/things/a`, { headers: { authorization: 'Bearer bad' } }),
      401,
      'unauthenticated',
    )
    await expectProblem(
      await fetch(`${base}/v1/things/a`, { headers: { authorization: 'Bearer reader' } }),
      403,
      'forbidden',
    )
  })
  it('an unavailable dependency is 503 with Retry-After, a fault 500, both without internals', async () => {
    const away = await fetch(`${base}/v1/things/away`, { headers: bearer })
    expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(JSON.stringify(await expectProblem(away, 503, 'unavailable'))).not.toContain('10.1.2.3')
    const broken = await expectProblem(await fetch(`${base}/v1/things/broken`, { headers: bearer }), 500, 'internal')
    expect(JSON.stringify(broken)).not.toContain('hunter2')
    await expectProblem(await fetch(`${base}/v1/things/gone`, { headers: bearer }), 404, 'not_found')
  })
  it('what is not HTTP gets a 400 problem and the process lives', async () => {
    const { port } = new URL(base)
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.write('GET / HTTP/9.9\r\nx: \u0001\r\n\r\n'))
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk
      })
      socket.on('close', () => resolve(text))
    })
    expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*application\/problem\+json[\s\S]*malformed_http/)
    expect((await fetch(`${base}/livez`)).status).toBe(200)
  })
})

describe('bodies', () => {
  it('takes Basic credentials, with the key as user name', async () => {
    const answer = await post('{"name":"a"}', {
      ...json,
      authorization: `Basic ${Buffer.from('good:').toString('base64')}`,
    })
    expect([answer.status, await answer.json()]).toEqual([201, { name: 'a', by: 't1' }])
  })
  it('takes gzip', async () => {
    const answer = await post(gzipSync('{"name":"a"}'), { ...json, 'content-encoding': 'gzip' })
    expect(answer.status).toBe(201)
  })
  it('a gzip bomb of 48 KB is 413: inflated bytes count', async () => {
    const bomb = gzipSync(Buffer.alloc(48 * 1024 * 1024, 'a'))
    expect(bomb.length).toBeLessThan(50_000)
    await expectProblem(await post(bomb, { ...json, 'content-encoding': 'gzip' }), 413, 'body_too_large')
    expect((await fetch(`${base}/livez`)).status).toBe(200)
  })
  it('a body over 1 MB is 413, and the sender gets to read it', async () => {
    await expectProblem(await post(JSON.stringify({ name: 'a'.repeat(20_000_000) })), 413, 'body_too_large')
  })
})

describe('operations', () => {
  it('readyz names each dependency and is 503 while one is down or hangs', async () => {
    await app.close()
    base = await start({ checks: { database: async () => {}, bus: () => Promise.reject(new Error('no')) } })
    const answer = await fetch(`${base}/readyz`)
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { status: 'not_ready', checks: { database: 'up', bus: 'down' } },
    ])
  })
  it('shows figures, OpenAPI and docs without a key', async () => {
    await fetch(`${base}/v1/things/a`, { headers: bearer })
    expect(await (await fetch(`${base}/metrics`)).text()).toContain('route="/v1/things/:thingId",status="200"')
    expect((await fetch(`${base}/docs`)).status).toBe(200)
    const document = (await (await fetch(`${base}/openapi.json`)).json()) as {
      openapi: string
      paths: Record<string, Record<string, { operationId: string; responses: object; security: object[] }>>
      components: { schemas: object }
    }
    expect(document.openapi).toBe('3.1.0')
    const operation = document.paths['/v1/things']!.post!
    expect(Object.keys(operation.responses)).toEqual(['201', '400', '401', '403', '404', '422', '429', '500', '503'])
    expect(operation).toMatchObject({
      operationId: 'createThing',
      security: [{ key: [] }, { keyAsUser: [] }],
      'x-scope': 'write',
    })
    expect(Object.keys(document.components.schemas)).toEqual(['Problem'])
  })
  it('leads from / to the documentation, without a key', async () => {
    const answer = await fetch(base, { redirect: 'manual' })
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/docs'])
  })
  it('does not start with a route that declares no scope', async () => {
    const other = await createHttpServer({
      logger: silentLogger,
      metrics: createMetrics(),
      keyring,
      title: 'Test',
      version: '1',
      checks: {},
    })
    expect(() => other.get('/v1/open', async () => 'x')).toThrow('declares no scope')
    await other.close()
  })
  it('an idle keep-alive connection does not hold up the close', async () => {
    await fetch(`${base}/livez`, { headers: { connection: 'keep-alive' } })
    const started = performance.now()
    await app.close()
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})
