import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Scope } from '#libs/access/keyring.ts'
import { createHttpServer } from '#libs/http/server.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { alertingConfigSchema } from '../../services/alerting/config.ts'
import { createAlerting } from '../../services/alerting/service.ts'
import { scoringConfigSchema } from '../../services/scoring/config.ts'
import { createScoring } from '../../services/scoring/service.ts'
import { createTestPlatform, type TestPlatform } from '../support/processes/platform.ts'
import { modelDocument } from '../support/scoring/model-documents.ts'

type Operation = { readonly operationId: string; readonly parameters?: { name: string; in: string }[] }
type Call = { readonly path: string; readonly body?: unknown }

let test: TestPlatform
let app: FastifyInstance
beforeAll(async () => {
  test = await createTestPlatform()
  const scopes: Scope[] = ['ingest', 'read', 'write', 'admin']
  const keyring = {
    authenticate: async () => ({ tenantId: 'default', keyId: 'key', name: 'tester', scopes, operator: true }),
  }
  const platform = { ...test.platform, keyring }
  const services = [
    createScoring(platform, scoringConfigSchema.parse({})),
    createAlerting(platform, alertingConfigSchema.parse({})),
  ]
  const { metrics } = platform
  app = await createHttpServer({ logger: silentLogger, metrics, keyring, title: 'T', version: '0', checks: {} })
  for (const service of services) {
    await test.prepare(service)
    await app.register(service.routes)
  }
  await app.ready()
})
afterAll(async () => {
  await app.close()
  await test.stop()
})

const post = async (path: string, body?: unknown, key?: string) => {
  const answer = await app.inject({
    method: 'POST',
    url: path,
    headers: { authorization: 'Bearer key', ...(key === undefined ? {} : { 'idempotency-key': key }) },
    ...(body === undefined ? {} : { payload: body as object }),
  })
  return { status: answer.statusCode, text: answer.body }
}

/** Posts of the documents, each with the path that it stands under. */
const documentedPosts = (): (readonly [string, Operation & { responses: Record<string, unknown> }])[] => {
  const { paths } = app.swagger() as unknown as { paths: Record<string, { post?: never }> }
  return Object.entries(paths).flatMap(([path, { post }]) => (post ? [[path, post] as const] : []))
}
const takesKey = ({ parameters = [] }: Operation): boolean => parameters.some(({ name }) => name === 'idempotency-key')

const rowsOfAll = async (): Promise<number> => {
  const tables = await test.platform.database.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('access', 'alerting', 'scoring')`,
  )
  let rows = 0
  for (const { name } of tables)
    rows += (await test.platform.database.query<{ n: number }>(`select count(*) as n from ${name}`))[0]!.n
  return rows
}

const newEndpoint = (): Call => ({ path: '/v1/webhook-endpoints', body: { url: 'https://hooks.example.com/pulso' } })
const rule = { id: 'quiet', severity: 'warning', when: { fact: 'daysSinceLastActivity', op: '>=', value: 5 } }
const day = { from: '2026-11-22T00:00:00Z', to: '2026-11-23T00:00:00Z' }

/** A good request for each route that takes the header. */
const callOf: Readonly<Record<string, (ids: { endpoint: string; delivery: string }) => Call>> = {
  createKey: () => ({ path: '/v1/keys', body: { name: 'made', scopes: ['read'] } }),
  createTenant: () => ({ path: '/v1/tenants', body: { id: 'made', name: 'Made' } }),
  createTenantKey: () => ({ path: '/v1/tenants/made/keys', body: { name: 'made', scopes: ['read'] } }),
  createRule: () => ({ path: '/v1/rules', body: rule }),
  createModel: () => ({ path: '/v1/models', body: modelDocument() }),
  createSilence: () => ({ path: '/v1/silences', body: { matcher: {}, endsAt: '2999-01-01T00:00:00Z' } }),
  createWebhookEndpoint: newEndpoint,
  testWebhookEndpoint: ({ endpoint }) => ({ path: `/v1/webhook-endpoints/${endpoint}/test` }),
  rotateWebhookSecret: ({ endpoint }) => ({ path: `/v1/webhook-endpoints/${endpoint}/rotate-secret` }),
  replayWebhookDeliveries: ({ endpoint }) => ({ path: `/v1/webhook-endpoints/${endpoint}/replay`, body: day }),
  replayDelivery: ({ delivery }) => ({ path: `/v1/deliveries/${delivery}/replay` }),
}

it('every POST that creates something takes an Idempotency-Key', () => {
  const creating = documentedPosts().filter(([, { responses }]) => '201' in responses)
  expect(creating.length).toBeGreaterThanOrEqual(5)
  expect(creating.filter(([, operation]) => !takesKey(operation)).map(([path]) => path)).toEqual([])
})

it('every route that takes one does its work once and answers the same bytes again', async () => {
  const { path, body } = newEndpoint()
  const endpoint = JSON.parse((await post(path, body)).text).id
  const delivery = JSON.parse((await post(`/v1/webhook-endpoints/${endpoint}/test`)).text).deliveryId
  const operations = documentedPosts().filter(([, operation]) => takesKey(operation))
  expect(operations.map(([, { operationId }]) => operationId).sort()).toEqual(Object.keys(callOf).sort())
  for (const [, { operationId }] of operations) {
    const call = callOf[operationId]!({ endpoint, delivery })
    const key = `key of ${operationId}`.replaceAll(' ', '-')
    const first = await post(call.path, call.body, key)
    expect([operationId, first.status < 300, first.text]).toEqual([operationId, true, expect.any(String)])
    const rows = await rowsOfAll()
    expect([operationId, await post(call.path, call.body, key)]).toEqual([operationId, first])
    expect([operationId, await rowsOfAll()]).toEqual([operationId, rows])
  }
})
