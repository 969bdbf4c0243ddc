import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { routes } from '#libs/http/routes.ts'
import { createHttpServer } from '#libs/http/server.ts'
import type { Database } from '#libs/postgres/database.ts'
import { migrate } from '#libs/postgres/migrate.ts'
import { createDatabase } from '#libs/postgres/pg-database.ts'
import { newId } from '#libs/runtime/ids.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { createTestDatabase } from '../../tests/support/postgres/postgres.ts'
import { createIdempotentReply, type IdempotentReply } from './idempotent-reply.ts'
import { createSealer } from './seal-secret.ts'

const KEY = randomBytes(32)
let database: Database
let drop: () => Promise<void>
const servers: FastifyInstance[] = []

/** What the route does next: it inserts a row, waits for the gate, and fails if it is told to. */
const next = { gate: Promise.resolve(), fails: false }

const things = (idempotentReply: IdempotentReply) =>
  routes((app) => {
    app.post(
      '/v1/shelves/:shelf/things',
      {
        config: { scope: 'write', idempotent: true },
        schema: { body: z.object({ name: z.string() }), response: { 201: z.object({ secret: z.string() }) } },
      },
      async (request, reply) =>
        idempotentReply({ request, reply, status: 201 }, async (tx) => {
          await tx.query('insert into thing (name) values ($1)', [request.body.name])
          await next.gate
          if (next.fails) throw new Error('broken on purpose')
          return { secret: `secret-${newId()}` }
        }),
    )
  })

const serve = async (key: Buffer): Promise<FastifyInstance> => {
  const app = await createHttpServer({
    logger: silentLogger,
    metrics: createMetrics(),
    keyring: {
      authenticate: async (tenantId) => ({ tenantId, keyId: 'k', name: 'k', scopes: ['write'], operator: false }),
    },
    title: 'Test',
    version: '1',
    checks: {},
  })
  await app.register(things(createIdempotentReply({ database, sealer: createSealer(key) })))
  servers.push(app)
  return app
}

let app: FastifyInstance
beforeAll(async () => {
  const test = await createTestDatabase()
  drop = test.drop
  const folder = join(import.meta.dirname, 'migrations')
  await migrate({ connectionString: test.connectionString, schema: 'access', folder, logger: silentLogger })
  database = createDatabase({ connectionString: test.connectionString, logger: silentLogger })
  await database.query('create table thing (name text not null)')
  app = await serve(KEY)
})
afterAll(async () => {
  for (const server of servers) await server.close()
  await database.stop()
  await drop()
})

type Options = { key?: string | undefined; tenant?: string; shelf?: string; server?: FastifyInstance }
const post = async (name: string, { key, tenant = 'a', shelf = '1', server = app }: Options = {}) => {
  const answer = await server.inject({
    method: 'POST',
    url: `/v1/shelves/${shelf}/things`,
    headers: { authorization: `Bearer ${tenant}`, ...(key === undefined ? {} : { 'idempotency-key': key }) },
    payload: { name },
  })
  return { status: answer.statusCode, text: answer.body, headers: answer.headers, code: answer.json().code }
}
const countThings = async (name: string): Promise<number> =>
  (await database.query<{ n: number }>('select count(*) as n from thing where name = $1', [name]))[0]!.n

it('the same request with the same key is answered with the same bytes, and is done once', async () => {
  const key = newId()
  const first = await post('same', { key })
  const second = await post('same', { key })
  expect(first.status).toBe(201)
  expect([second.status, second.text, second.headers['content-type']]).toEqual([
    201,
    first.text,
    first.headers['content-type'],
  ])
  expect(first.headers['idempotent-replayed']).toBeUndefined()
  expect(second.headers['idempotent-replayed']).toBe('true')
  expect(await countThings('same')).toBe(1)
})

it('without a key, under another key and for another tenant it is done again', async () => {
  const key = newId()
  await post('again', { key })
  const texts = [
    await post('again'),
    await post('again'),
    await post('again', { key: newId() }),
    await post('again', { key, tenant: 'b' }),
  ]
  expect(new Set(texts.map(({ text }) => text)).size).toBe(4)
  expect(await countThings('again')).toBe(5)
})

it('another body or another address under the same key is refused and changes nothing', async () => {
  const key = newId()
  await post('original', { key })
  for (const other of [await post('other', { key }), await post('original', { key, shelf: '2' })])
    expect([other.status, other.code]).toEqual([422, 'idempotency_key_reused'])
  expect(await countThings('original')).toBe(1)
  expect(await countThings('other')).toBe(0)
})

it('while the first is under way a second is refused with 409; afterwards it gets the first one’s answer', async () => {
  const key = newId()
  const gate = Promise.withResolvers<void>()
  next.gate = gate.promise
  const racing = Array.from({ length: 5 }, () => post('race', { key }))
  const losers = await Promise.all(
    Array.from({ length: 4 }, async (_, place) => (await firstDone(racing, place)).status),
  )
  expect(losers).toEqual([409, 409, 409, 409])
  next.gate = Promise.resolve()
  gate.resolve()
  const answers = await Promise.all(racing)
  const winner = answers.find(({ status }) => status === 201)
  expect((await post('race', { key })).text).toBe(winner?.text)
  expect(await countThings('race')).toBe(1)
})

/** The answer that came `place`th. */
const firstDone = <T>(all: readonly Promise<T>[], place: number): Promise<T> =>
  new Promise((resolve) => {
    let done = 0
    for (const one of all)
      void one.then((answer) => {
        if (done++ === place) resolve(answer)
      })
  })

it('a request that failed has changed and kept nothing: its key can be used again', async () => {
  const key = newId()
  next.fails = true
  expect((await post('fails', { key })).status).toBe(500)
  next.fails = false
  expect(await countThings('fails')).toBe(0)
  expect((await post('fails', { key })).status).toBe(201)
  expect(await countThings('fails')).toBe(1)
})

it('an answer is kept for 24 hours, then it is thrown away and the key is new again', async () => {
  const key = newId()
  const first = await post('old', { key })
  const age = (interval: string) =>
    database.query('update access.idempotent_answer set created_at = now() - $1::interval', [interval])
  await age('23 hours 59 minutes')
  expect((await post('old', { key })).text).toBe(first.text)
  await age('24 hours 1 minute')
  expect((await post('old', { key })).text).not.toBe(first.text)
  expect(await countThings('old')).toBe(2)
  const [row] = await database.query<{ n: number }>('select count(*) as n from access.idempotent_answer')
  expect(row!.n).toBe(1)
})

it('what was answered does not lie open in the database, and without the key that sealed it nothing is done twice', async () => {
  const key = newId()
  const { text } = await post('sealed', { key })
  const [row] = await database.query<{ sealed: Buffer }>(
    'select sealed from access.idempotent_answer order by created_at desc limit 1',
  )
  expect(row!.sealed.includes(JSON.parse(text).secret)).toBe(false)
  const other = await post('sealed', { key, server: await serve(randomBytes(32)) })
  expect([other.status, other.code]).toEqual([409, 'already_done'])
  expect(await countThings('sealed')).toBe(1)
})

it('a key that is no visible ASCII of 1 to 255 characters is a 400 that points at it', async () => {
  for (const key of ['x'.repeat(256), 'two words', 'ümlaut']) {
    const answer = await post('bad', { key })
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.text).errors[0].pointer).toBe('/headers/idempotency-key')
  }
})
