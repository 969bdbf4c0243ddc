import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { insertTenant } from '#libs/access/tenant-store.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { alertingConfigSchema } from '../../services/alerting/config.ts'
import { createAlerting } from '../../services/alerting/service.ts'
import { scoringConfigSchema } from '../../services/scoring/config.ts'
import { createScoring } from '../../services/scoring/service.ts'
import { LONGEST_MS } from '../support/loop-delay.ts'
import { createTestPlatform, type TestPlatform } from '../support/processes/platform.ts'
import { createRoutesClient, type RoutesClient } from '../support/routes-client.ts'
import { modelDocument } from '../support/scoring/model-documents.ts'

let platform: TestPlatform
let scoring: RoutesClient
let alerting: RoutesClient

beforeAll(async () => {
  platform = await createTestPlatform()
  const own = { ...platform.platform, metrics: createMetrics() }
  const scoringService = createScoring(platform.platform, scoringConfigSchema.parse({}))
  const alertingService = createAlerting(own, alertingConfigSchema.parse({}))
  await platform.prepare(scoringService)
  await platform.prepare(alertingService)
  await insertTenant(platform.platform.database, { id: 'default', name: 'Default' })
  scoring = await createRoutesClient(platform.platform, scoringService)
  alerting = await createRoutesClient(own, alertingService)
}, 60_000)
afterAll(async () => {
  await scoring.close()
  await alerting.close()
  await platform.stop()
})

const comparison = { fact: 'score', op: '<', value: 40 }
const rule = (id: string, when: unknown = comparison) => ({ id, severity: 'warning', when })
const tooMany = {
  status: 422,
  body: { code: 'too_many', errors: [{ pointer: '', code: 'too_many', detail: expect.any(String) }] },
}

type Kind = { client: () => RoutesClient; path: string; body: (i: number) => unknown; copy: string; most: number }
const KINDS: Record<string, Kind> = {
  rules: {
    client: () => alerting,
    path: '/v1/rules',
    body: (i) => rule(`own_${i}`),
    copy: `insert into alerting.rule select (jsonb_populate_record(r, jsonb_build_object('rule_id', 'copy_' || i))).*
           from alerting.rule r, generate_series(1, $1::int) i`,
    most: 200,
  },
  silences: {
    client: () => alerting,
    path: '/v1/silences',
    body: () => ({ matcher: {}, endsAt: new Date(Date.now() + 3_600_000).toISOString() }),
    copy: `insert into alerting.silence
           select (jsonb_populate_record(s, jsonb_build_object('silence_id', gen_random_uuid()))).*
           from alerting.silence s, generate_series(1, $1::int) i`,
    most: 1_000,
  },
  endpoints: {
    client: () => alerting,
    path: '/v1/webhook-endpoints',
    body: () => ({ url: 'https://hooks.example.com/in', eventTypes: ['alert.firing'] }),
    copy: `insert into alerting.webhook_endpoint
           select (jsonb_populate_record(e, jsonb_build_object('endpoint_id', gen_random_uuid()))).*
           from alerting.webhook_endpoint e, generate_series(1, $1::int) i`,
    most: 50,
  },
  keys: {
    client: () => scoring,
    path: '/v1/keys',
    body: () => ({ name: 'backend', scopes: ['ingest'] }),
    copy: `insert into access.api_key select (jsonb_populate_record(k, jsonb_build_object('id', 'copy' || i))).*
           from access.api_key k, generate_series(1, $1::int) i`,
    most: 100,
  },
  drafts: {
    client: () => scoring,
    path: '/v1/models',
    body: () => modelDocument(),
    copy: `insert into scoring.model_version
           select (jsonb_populate_record(v, jsonb_build_object('version', i + 10))).*
           from scoring.model_version v, generate_series(1, $1::int) i`,
    most: 1_000,
  },
}

it.each(Object.keys(KINDS))('a tenant has a bounded number of %s, and two at once do not exceed it', async (name) => {
  const { client, path, body, copy, most } = KINDS[name]!
  expect(await client().send('POST', path, body(1))).toMatchObject({ status: 201 })
  await platform.platform.database.query(copy, [most - 2])
  const [first, second] = await Promise.all([
    client().send('POST', path, body(2)),
    client().send('POST', path, body(3)),
  ])
  expect([first.status, second.status].sort()).toEqual([201, 422])
  expect(await client().send('POST', path, body(4))).toMatchObject(tooMany)
  expect(await client().status(path)).toBe(200)
})

it('a rule of 200 conditions is taken, one more is refused with its place', async () => {
  const parts = (count: number) => Array.from({ length: count }, () => comparison)
  const deep = (more: number) => ({
    any: [{ all: parts(50) }, { all: parts(50) }, { all: parts(50) }, { any: parts(45 + more) }],
  })
  expect(await alerting.send('POST', '/v1/rules/preview', rule('wide', deep(0)))).toMatchObject({ status: 200 })
  expect(await alerting.send('POST', '/v1/rules/preview', rule('wide', deep(1)))).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '/when/any/3/any/45', code: 'too_many_conditions' }] },
  })
})

it('a rule of 20,000 conditions does not hold the event loop', async () => {
  const part = { any: Array.from({ length: 50 }, () => ({ any: Array.from({ length: 8 }, () => comparison) })) }
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const answer = await alerting.send(
    'POST',
    '/v1/rules/preview',
    rule('wide', { any: Array.from({ length: 40 }, () => part) }),
  )
  await new Promise((resolve) => setTimeout(resolve, 20))
  delay.disable()
  expect(answer).toMatchObject({ status: 422, body: { errors: [{ code: 'too_many_conditions' }] } })
  expect(delay.max / 1e6).toBeLessThan(LONGEST_MS)
})

it('a long rule of few conditions is refused', async () => {
  const mutes = Array.from({ length: 50 }, (_, i) => `${i}`.repeat(2_000))
  expect(await alerting.send('POST', '/v1/rules/preview', { ...rule('long'), mutes })).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '', code: 'too_long' }] },
  })
})

it('a list takes 20 filters by traits, and 21 are a mistake of the caller', async () => {
  const filters = (count: number) => Array.from({ length: count }, (_, i) => `trait.a${i}=1`).join('&')
  expect(await scoring.status(`/v1/accounts?${filters(20)}`)).toBe(200)
  expect(await scoring.send('GET', `/v1/accounts?${filters(21)}`)).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '/query/trait.a20', code: 'too_many_filters' }] },
  })
})

it('previews of one tenant are bounded, and a tenant beside it has its own', async () => {
  const preview = () => alerting.send('POST', '/v1/rules/preview', rule('tried'))
  const statuses = (await Promise.all([preview(), preview(), preview(), preview()])).map(({ status }) => status)
  expect(statuses.toSorted()).toEqual([200, 200, 429, 429])
})
