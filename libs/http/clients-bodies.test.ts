import { request as call } from 'node:http'
import { constants, createZstdCompress, zstdCompressSync } from 'node:zlib'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { routes } from './routes.ts'
import { createHttpServer } from './server.ts'

let base: string
beforeEach(async () => {
  const app = await createHttpServer({
    logger: silentLogger,
    metrics: createMetrics(),
    keyring: {
      authenticate: async () => ({ tenantId: 't', keyId: 'k', name: 'k', scopes: ['write'], operator: false }),
    },
    title: 'T',
    version: '1',
    checks: {},
  })
  onTestFinished(() => app.close())
  await app.register(
    routes((room) => {
      const config = { scope: 'write' } as const
      const name = z.object({ name: z.string() })
      room.post('/named', { config, schema: { body: name } }, async ({ body }) => body)
      room.post('/rotate', { config }, async () => ({}))
      room.delete('/rotate', { config }, async () => ({}))
    }),
  )
  base = await app.listen({ port: 0, host: '127.0.0.1' })
})

const headers = { authorization: 'Bearer good', 'content-type': 'application/json' }
const post = (body: Buffer, encoding?: string) =>
  fetch(`${base}/named`, {
    method: 'POST',
    headers: { ...headers, ...(encoding ? { 'content-encoding': encoding } : {}) },
    body,
  })
const statusOf = (method: string, path: string, framing: Record<string, string>): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const sent = call(base + path, { method, headers: { ...headers, ...framing } }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
    sent.on('error', reject).end()
  })

it.each([
  ['no length', {}],
  ['the length 0', { 'content-length': '0' }],
  ['no chunk', { 'transfer-encoding': 'chunked' }],
])('a JSON type with %s is fine where no body is needed, and 400 where one is', async (_name, framing) => {
  expect(await statusOf('POST', '/rotate', framing)).toBe(200)
  expect(await statusOf('DELETE', '/rotate', framing)).toBe(200)
  expect(await statusOf('POST', '/named', framing)).toBe(400)
})
it('a byte order mark before JSON is no part of it', async () => {
  const answer = await post(Buffer.from('\ufeff{"name":"a"}'))
  expect([answer.status, await answer.json()]).toEqual([200, { name: 'a' }])
})
it('takes zstd; a bomb is 413 and what is none is 400', async () => {
  expect(await (await post(zstdCompressSync('{"name":"a"}'), 'zstd')).json()).toEqual({ name: 'a' })
  const bomb = zstdCompressSync(Buffer.alloc(48 * 1024 * 1024, 'a'))
  expect(bomb.length).toBeLessThan(48 * 1024)
  expect((await post(bomb, 'zstd')).status).toBe(413)
  const broken = await post(Buffer.from('{"name":"a"}'), 'zstd')
  expect([broken.status, await broken.json()]).toMatchObject([400, { code: 'invalid_encoding' }])
})
it('a zstd frame that asks for a window beyond 8 MB is refused', async () => {
  const params = { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_compressionLevel]: 1 }
  const stream = createZstdCompress({ params })
  stream.write('{"name":')
  stream.end('"a"}')
  expect((await post(Buffer.concat(await stream.toArray()), 'zstd')).status).toBe(400)
})
