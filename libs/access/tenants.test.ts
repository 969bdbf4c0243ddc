import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHttpServer } from '#libs/http/server.ts'
import type { Database } from '#libs/postgres/database.ts'
import { migrate } from '#libs/postgres/migrate.ts'
import { createDatabase } from '#libs/postgres/pg-database.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { createManualClock } from '../../tests/support/manual-clock.ts'
import { createTestDatabase } from '../../tests/support/postgres/postgres.ts'
import { createIdempotentReply } from './idempotent-reply.ts'
import { newApiKey } from './keys/api-key.ts'
import { ensureBootstrapKey } from './keys/bootstrap-key.ts'
import { createKeyring } from './keys/stored-keyring.ts'
import { accessRoutes } from './routes/access-routes.ts'
import { createSealer } from './seal-secret.ts'

const NOON = Date.parse('2026-11-30T12:00:30.000Z')
const operatorKey = newApiKey().key
const clock = createManualClock(NOON)
let database: Database
let app: FastifyInstance
let drop: () => Promise<void>

beforeAll(async () => {
  const created = await createTestDatabase()
  drop = created.drop
  const folder = join(import.meta.dirname, 'migrations')
  await migrate({ connectionString: created.connectionString, schema: 'access', folder, logger: silentLogger })
  database = createDatabase({ connectionString: created.connectionString, logger: silentLogger })
  await database.start()
  await ensureBootstrapKey(database, operatorKey)
  app = await createHttpServer({
    logger: silentLogger,
    metrics: createMetrics(),
    keyring: createKeyring({ database, clock }),
    title: 'Test',
    version: '1',
    checks: {},
  })
  const idempotentReply = createIdempotentReply({ database, sealer: createSealer(randomBytes(32)) })
  await app.register(accessRoutes({ database, clock, idempotentReply }))
})
afterAll(async () => {
  await app.close()
  await database.stop()
  await drop()
})

type Item = { readonly id: string; readonly name: string; readonly lastUsedAt: string | null; readonly state: string }
type Body = { readonly id: string; readonly key: string; readonly code: string; readonly items: readonly Item[] }

const call = async (method: 'GET' | 'POST' | 'DELETE', url: string, key: string, payload?: object) => {
  // A key's state is read anew once a second.
  clock.advance(1_000)
  const headers = { authorization: `Bearer ${key}` }
  const answer = await app.inject({ method, url, headers, ...(payload ? { payload } : {}) })
  return { status: answer.statusCode, body: (answer.body ? answer.json() : {}) as Body, text: answer.body }
}
let nextTenant = 0
const createTenant = async () => {
  const id = `tenant-${++nextTenant}`
  return (await call('POST', '/v1/tenants', operatorKey, { id, name: 'Somebody' })).body
}
const adminOfDefault = async () =>
  (await call('POST', '/v1/keys', operatorKey, { name: 'admin', scopes: ['admin'] })).body

test('an admin key of the operators’ tenant neither sees nor revokes an operator key', async () => {
  const admin = await adminOfDefault()
  const [bootstrap] = (await call('GET', '/v1/keys', operatorKey)).body.items.filter(({ name }) => name === 'bootstrap')
  expect(bootstrap).toMatchObject({ operator: true })
  const seen = (await call('GET', '/v1/keys', admin.key)).body.items
  expect(seen.map(({ name }) => name)).not.toContain('bootstrap')
  expect((await call('DELETE', `/v1/keys/${bootstrap!.id}`, admin.key)).status).toBe(404)
  expect((await call('GET', '/v1/tenants', operatorKey)).status).toBe(200)
})

test('an operator makes a second operator key and revokes it; nobody revokes the last one', async () => {
  const body = { name: 'second', scopes: ['admin'], operator: true }
  const admin = await adminOfDefault()
  expect((await call('POST', '/v1/keys', admin.key, body)).status).toBe(403)
  const second = (await call('POST', '/v1/keys', operatorKey, body)).body
  expect((await call('GET', '/v1/tenants', second.key)).status).toBe(200)
  expect((await call('DELETE', `/v1/keys/${second.id}`, second.key)).status).toBe(204)
  const [, , bootstrapId] = operatorKey.split('_')
  const last = await call('DELETE', `/v1/keys/${bootstrapId}`, operatorKey)
  expect(last.status).toBe(409)
  expect(last.text).toContain('last_operator_key')
  expect((await call('GET', '/v1/tenants', operatorKey)).status).toBe(200)
})

test('a tenant that has lost its keys gets another from an operator', async () => {
  const tenant = await createTenant()
  const path = `/v1/tenants/${tenant.id}/keys`
  const key = { name: 'new', scopes: ['admin'], expiresAt: '2027-01-01T00:00:00.000Z' }
  expect((await call('POST', path, tenant.key, key)).status).toBe(403)
  expect((await call('POST', '/v1/tenants/nobody/keys', operatorKey, key)).status).toBe(404)
  const made = (await call('POST', path, operatorKey, key)).body
  const keys = (await call('GET', '/v1/keys', made.key)).body.items
  expect(keys.map(({ name }) => name).sort()).toEqual(['first', 'new'])
  const audit = await call('GET', '/v1/audit', operatorKey)
  expect(audit.text).toContain(`"tenantId":"${tenant.id}"`)
  expect(audit.text).toContain('2027-01-01')
})

test('keys of a suspended tenant get 403 until it is resumed, each change with one audit row', async () => {
  const tenant = await createTenant()
  const states = async () => (await call('GET', '/v1/tenants', operatorKey)).body.items
  for (let time = 0; time < 2; time++)
    expect((await call('POST', `/v1/tenants/${tenant.id}/suspend`, operatorKey)).body).toMatchObject({
      state: 'suspended',
    })
  const refused = await call('GET', '/v1/keys', tenant.key)
  expect(refused.status).toBe(403)
  expect(refused.text).toContain('tenant_suspended')
  expect((await states()).find(({ id }) => id === tenant.id)?.state).toBe('suspended')
  expect((await call('POST', `/v1/tenants/${tenant.id}/resume`, tenant.key)).status).toBe(403)
  await call('POST', `/v1/tenants/${tenant.id}/resume`, operatorKey)
  expect((await call('GET', '/v1/keys', tenant.key)).status).toBe(200)
  const rows = await database.query<{ action: string }>(
    `select action from access.audit where subject = $1 and action <> 'tenant.created' order by id`,
    [tenant.id],
  )
  expect(rows.map(({ action }) => action)).toEqual(['tenant.suspended', 'tenant.resumed'])
})

test('the keys of a deleted tenant are unknown, and its id is never given again', async () => {
  const tenant = await createTenant()
  expect((await call('DELETE', `/v1/tenants/${tenant.id}`, tenant.key)).status).toBe(403)
  expect((await call('DELETE', `/v1/tenants/${tenant.id}`, operatorKey)).status).toBe(202)
  expect((await call('GET', '/v1/keys', tenant.key)).status).toBe(401)
  expect((await call('DELETE', `/v1/tenants/${tenant.id}`, operatorKey)).status).toBe(404)
  const again = { id: tenant.id, name: 'Again' }
  expect((await call('POST', '/v1/tenants', operatorKey, again)).status).toBe(409)
  expect((await call('GET', '/v1/tenants', operatorKey)).text).not.toContain(`"${tenant.id}"`)
  expect((await call('DELETE', '/v1/tenants/default', operatorKey)).status).toBe(409)
})

test('a key says when it was last used, to the minute', async () => {
  const unused = await adminOfDefault()
  const itemOf = async (id: string) =>
    (await call('GET', '/v1/keys', operatorKey)).body.items.find((item) => item.id === id)
  expect((await itemOf(unused.id))?.lastUsedAt).toBeNull()
  const minute = Math.floor(clock.now() / 60_000)
  await call('GET', '/v1/keys', unused.key)
  await eventually('the use is recorded', async () => (await itemOf(unused.id))?.lastUsedAt != null)
  const usedAt = Date.parse((await itemOf(unused.id))!.lastUsedAt!)
  expect(usedAt % 60_000).toBe(0)
  expect(Math.abs(usedAt / 60_000 - minute)).toBeLessThanOrEqual(1)
})
