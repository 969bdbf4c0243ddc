import { afterAll, expect, it } from 'vitest'
import { createDatabase } from '#libs/postgres/pg-database.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import type { Service } from '#libs/runtime/service.ts'
import { alertingConfigSchema } from '../../services/alerting/config.ts'
import { createAlerting } from '../../services/alerting/service.ts'
import { scoringConfigSchema } from '../../services/scoring/config.ts'
import { createScoring } from '../../services/scoring/service.ts'
import { createRecordingBus } from '../support/bus/recording-bus.ts'
import { createRoutesClient, type RoutesClient } from '../support/routes-client.ts'
import { testTombstones } from '../support/tombstones.ts'

// Bad bodies are refused before a route asks the database, so none runs.
const platform = () => ({
  clock: systemClock,
  logger: silentLogger,
  metrics: createMetrics(),
  database: createDatabase({ connectionString: 'postgres://localhost:1/none', logger: silentLogger }),
  apiDatabase: createDatabase({ connectionString: 'postgres://localhost:1/none', logger: silentLogger }),
  bus: createRecordingBus(),
  keyring: { authenticate: async () => undefined },
  tombstones: testTombstones,
  settings: { timeZone: 'UTC', encryptionKey: Buffer.alloc(32, 7), deadLetterDays: 30 },
})
const open = (service: Service): Promise<RoutesClient> => createRoutesClient(platform(), service)
const scoring = await open(createScoring(platform(), scoringConfigSchema.parse({})))
const alerting = await open(createAlerting(platform(), alertingConfigSchema.parse({})))
afterAll(() => Promise.all([scoring.close(), alerting.close()]))

const ROUTES: [RoutesClient, 'POST' | 'PUT', string][] = [
  [scoring, 'POST', '/v1/models'],
  [alerting, 'POST', '/v1/rules'],
  [alerting, 'PUT', '/v1/rules/mine'],
  [alerting, 'POST', '/v1/rules/preview'],
]

it.each([
  ['an open bracket', 'a: [', /end with a \] at line 1/],
  ['a key twice', 'a: 1\na: 2', /unique at line 2/],
  ['two documents', 'a: 1\n---\nb: 2', /multiple documents/],
  ['an anchor', 'a: &x 1', /^Anchors and aliases/],
  ['aliases that grow', 'a: &x [1]\nb: &y [*x, *x]\nc: [*y, *y]', /^Anchors and aliases/],
  ['brackets without end', '['.repeat(5_000), /^Nested too deep$/],
])('every route that takes YAML answers %s with the same 422', async (_name, text, detail) => {
  for (const [client, method, path] of ROUTES)
    expect(await client.send(method, path, text), path).toEqual({
      status: 422,
      body: {
        type: 'urn:pulso:problem:invalid_yaml',
        title: expect.stringMatching(/^Unprocessable/),
        status: 422,
        code: 'invalid_yaml',
        detail: 'The body is not valid YAML',
        requestId: expect.any(String),
        errors: [{ pointer: '', code: 'invalid_yaml', detail: expect.stringMatching(detail) }],
      },
    })
})

it.each([
  ['a number beyond a double', 'a: [1, .inf]', '/a/1'],
  ['a prototype key', 'a: { __proto__: { b: 1 } }', '/a/__proto__'],
  ['nothing', '', ''],
])('every route that takes YAML answers %s like the same value in JSON', async (_name, text, pointer) => {
  for (const [client, method, path] of ROUTES)
    expect(await client.send(method, path, text), path).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', errors: [{ pointer }] },
    })
})

it('a model in JSON is at most as large as a model can sensibly be', async () => {
  const keys = Object.fromEntries(Array.from({ length: 15_000 }, (_, i) => [`key-${i}`, 1]))
  expect(await scoring.send('POST', '/v1/models', keys)).toMatchObject({
    status: 413,
    body: { code: 'body_too_large' },
  })
})
