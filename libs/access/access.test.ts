import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHttpServer } from '#libs/http/server.ts'
import type { Database } from '#libs/postgres/database.ts'
import { migrate } from '#libs/postgres/migrate.ts'
import { createDatabase } from '#libs/postgres/pg-database.ts'
import { systemClock, toInstant } from '#libs/runtime/clock.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { createManualClock } from '../../tests/support/manual-clock.ts'
import { createTestDatabase } from '../../tests/support/postgres/postgres.ts'
import { createIdempotentReply } from './idempotent-reply.ts'
import { newApiKey } from './keys/api-key.ts'
import { ensureBootstrapKey } from './keys/bootstrap-key.ts'
import { ensureDevelopmentKey } from './keys/development-key.ts'
import { createKeyring } from './keys/stored-keyring.ts'
import { accessRoutes } from './routes/access-routes.ts'
import { createSealer } from './seal-secret.ts'

let database: Database
let drop: () => Promise<void>
let app: FastifyInstance
let base: string
const operatorKey = newApiKey().key

beforeAll(async () => {
  const test = await createTestDatabase()
  drop = test.drop
  const folder = join(import.meta.dirname, 'migrations')
  await migrate({ connectionString: test.connectionString, schema: 'access', folder, logger: silentLogger })
  database = createDatabase({ connectionString: test.connectionString, logger: silentLogger })
  await database.start()
  await ensureBootstrapKey(database, operatorKey)
  app = await createHttpServer({
    logger: silentLogger,
    metrics: createMetrics(),
    keyring: createKeyring({ database, clock: systemClock }),
    title: 'Test',
    version: '1',
    checks: {},
  })
  const idempotentReply = createIdempotentReply({ database, sealer: createSealer(randomBytes(32)) })
  await app.register(accessRoutes({ database, clock: systemClock, idempotentReply }))
  base = await app.listen({ port: 0, host: '127.0.0.1' })
})
afterAll(async () => {
  await app.close()
  await database.stop()
  await drop()
})

type Answer = { status: number; body: Record<string, unknown> & { items?: Record<string, unknown>[] } }
const call = async (method: string, path: string, key: string, body?: unknown): Promise<Answer> => {
  const answer = await fetch(base + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const text = await answer.text()
  return { status: answer.status, body: text ? JSON.parse(text) : {} }
}
const createKey = async (key: string, scopes: string[]) =>
  (await call('POST', '/v1/keys', key, { name: 'made', scopes })).body as { id: string; key: string }

describe('keys over HTTP', () => {
  it('a key made over HTTP works at once with its scopes and no others, and is stored only as a hash', async () => {
    const made = await createKey(operatorKey, ['admin', 'read'])
    expect((await call('GET', '/v1/keys', made.key)).status).toBe(200)
    const reader = await createKey(operatorKey, ['read'])
    expect((await call('GET', '/v1/keys', reader.key)).status).toBe(403)
    const [row] = await database.query<{ text: string }>('select t::text as text from access.api_key t where id = $1', [
      made.id,
    ])
    expect(row?.text).not.toContain(made.key.split('_')[3])
    expect(JSON.stringify((await call('GET', '/v1/keys', operatorKey)).body)).not.toContain(made.key.split('_')[3])
  })
  it('a revoked key is refused within a second', async () => {
    const { id, key } = await createKey(operatorKey, ['admin'])
    expect((await call('GET', '/v1/keys', key)).status).toBe(200)
    expect((await call('DELETE', `/v1/keys/${id}`, operatorKey)).status).toBe(204)
    await expect
      .poll(() => call('GET', '/v1/keys', key), { timeout: 1_000, interval: 50 })
      .toMatchObject({ status: 401 })
    expect((await call('DELETE', `/v1/keys/${id}`, operatorKey)).status).toBe(404)
  })
  it('every change has its audit row, newest first, a page at a time', async () => {
    const { id } = await createKey(operatorKey, ['read'])
    await call('DELETE', `/v1/keys/${id}`, operatorKey)
    const first = (await call('GET', '/v1/audit?limit=1', operatorKey)).body
    expect(first.items).toMatchObject([{ action: 'key.revoked', subject: id, actor: 'bootstrap' }])
    const second = (await call('GET', `/v1/audit?limit=1&cursor=${first.nextCursor}`, operatorKey)).body
    expect(second.items).toMatchObject([{ action: 'key.created', subject: id, detail: { name: 'made' } }])
    expect((await call('GET', '/v1/audit?cursor=nonsense', operatorKey)).status).toBe(400)
  })
  it('a key that would be expired from the start, or with an unknown scope, is 422 with a pointer', async () => {
    const expired = { name: 'x', scopes: ['read'], expiresAt: '2020-01-01T00:00:00Z' }
    expect(await call('POST', '/v1/keys', operatorKey, expired)).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/expiresAt' }] },
    })
    expect(await call('POST', '/v1/keys', operatorKey, { name: 'x', scopes: ['root'] })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/scopes/0' }] },
    })
  })
})

describe('tenants', () => {
  it('only an operator key makes tenants; each tenant sees its own keys and nobody else’s', async () => {
    const tenant = (await call('POST', '/v1/tenants', operatorKey, { id: 'other', name: 'Other' })).body as {
      key: string
    }
    expect((await call('POST', '/v1/tenants', operatorKey, { id: 'other', name: 'Again' })).status).toBe(409)
    expect((await call('POST', '/v1/tenants', tenant.key, { id: 'third', name: 'Third' })).status).toBe(403)
    expect((await call('GET', '/v1/tenants', operatorKey)).body.items?.map((item) => item.id)).toEqual([
      'default',
      'other',
    ])
    const mine = await createKey(operatorKey, ['read'])
    expect((await call('DELETE', `/v1/keys/${mine.id}`, tenant.key)).status).toBe(404)
    expect((await call('GET', '/v1/keys', tenant.key)).body.items).toHaveLength(1)
    expect((await call('GET', '/v1/audit', tenant.key)).body.items).toEqual([])
  })
})

describe('the keyring', () => {
  it('the development key is good from this machine only, and stays the same across starts', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'pulso-key-'))
    const key = await ensureDevelopmentKey({ database, dataDir })
    expect(await ensureDevelopmentKey({ database, dataDir })).toBe(key)
    expect((await readFile(join(dataDir, 'dev-key'), 'utf8')).trim()).toBe(key)
    expect((await stat(join(dataDir, 'dev-key'))).mode & 0o777).toBe(0o600)
    const keyring = createKeyring({ database, clock: systemClock })
    for (const peer of ['127.0.0.1', '::1', '::ffff:127.0.0.1'])
      expect(await keyring.authenticate(key, peer)).toMatchObject({ tenantId: 'default', operator: true })
    for (const peer of ['10.0.0.1', '::ffff:10.0.0.1', 'forwarded', '127.example'])
      await expect(keyring.authenticate(key, peer)).rejects.toThrow('works on this machine only')
    const without = createKeyring({ database, clock: systemClock, developmentKey: false })
    await expect(without.authenticate(key, '127.0.0.1')).rejects.toMatchObject({ status: 401 })
  })
  it('a key ends at its expiry', async () => {
    const clock = createManualClock(Date.parse('2030-01-01T00:00:00Z'))
    const expiresAt = toInstant(clock.now() + 10_000)
    const made = (await call('POST', '/v1/keys', operatorKey, { name: 'x', scopes: ['read'], expiresAt })).body
    const keyring = createKeyring({ database, clock })
    expect(await keyring.authenticate(made.key as string, '10.0.0.1')).toMatchObject({ keyId: made.id })
    clock.advance(10_000)
    expect(await keyring.authenticate(made.key as string, '10.0.0.1')).toBeUndefined()
  })
  it('asks the database once per second, not once per request, and answers from memory while it is unavailable', async () => {
    let queries = 0
    let isUnavailable = false
    const counted: Database = {
      ...database,
      query: async (text, params) => {
        if (text.startsWith('select')) queries += 1
        if (isUnavailable) throw new UnavailableError('refused')
        return database.query(text, params)
      },
    }
    const clock = createManualClock(Date.parse('2030-01-01T00:00:00Z'))
    const keyring = createKeyring({ database: counted, clock })
    const askMany = async (key: string) => {
      const asked = await Promise.all(Array.from({ length: 100 }, () => keyring.authenticate(key, '10.0.0.1')))
      expect(new Set(asked.map((principal) => principal?.name))).toEqual(new Set(['bootstrap']))
    }
    await askMany(operatorKey)
    await askMany(operatorKey)
    expect(queries).toBe(1)
    isUnavailable = true
    clock.advance(5_000)
    await askMany(operatorKey)
    const stranger = newApiKey().key
    await expect(keyring.authenticate(stranger, '10.0.0.1')).rejects.toThrow(UnavailableError)
    clock.advance(59 * 60_000)
    await askMany(operatorKey)
    // A revocation that the process cannot learn of is in force after an hour.
    clock.advance(60_000)
    await expect(keyring.authenticate(operatorKey, '10.0.0.1')).rejects.toThrow(UnavailableError)
    isUnavailable = false
    await askMany(operatorKey)
    expect(await keyring.authenticate(stranger, '10.0.0.1')).toBeUndefined()
  })
  it('a key with a wrong character never reaches the database', async () => {
    const keyring = createKeyring({
      database: { ...database, query: () => Promise.reject(new Error('asked')) },
      clock: systemClock,
    })
    const wrong = operatorKey.slice(0, -1) + (operatorKey.endsWith('a') ? 'b' : 'a')
    for (const key of [wrong, '', 'x'.repeat(100_000), operatorKey.slice(0, 40)])
      expect(await keyring.authenticate(key, '127.0.0.1')).toBeUndefined()
  })
})
