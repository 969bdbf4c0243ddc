import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { scoringConfigSchema } from '../../services/scoring/config.ts'
import { createScoring } from '../../services/scoring/service.ts'
import { eventually } from '../support/eventually.ts'
import { LONGEST_MS, P99_MS } from '../support/loop-delay.ts'
import { createTestPlatform, type TestPlatform } from '../support/processes/platform.ts'
import { createRoutesClient, type RoutesClient } from '../support/routes-client.ts'
import { type ModelDocument, modelDocument, segmentDocument } from '../support/scoring/model-documents.ts'
import { usageRecord } from '../support/scoring/scorer.ts'

const ACCOUNTS = 20_001
let platform: TestPlatform
let api: RoutesClient
let other: RoutesClient
const stops: (() => Promise<void>)[] = []

beforeAll(async () => {
  platform = await createTestPlatform()
  const service = createScoring(platform.platform, scoringConfigSchema.parse({}))
  await platform.prepare(service)
  await service.start()
  api = await createRoutesClient(platform.platform, service)
  other = await createRoutesClient({ ...platform.platform, metrics: createMetrics() }, service, 'other')
  stops.push(api.close, other.close, service.stop, platform.stop)
  const { bus, database } = platform.platform
  await bus.publish('usage.events', [
    usageRecord('acme', { type: 'group', properties: { name: 'Acme', plan: 'team' } }),
    usageRecord('acme'),
  ])
  await eventually('the account is scored', async () => (await api.status('/v1/accounts/acme')) === 200)
  await database.query(
    `insert into scoring.account select (jsonb_populate_record(a, jsonb_build_object('account_id', 'copy-' || i))).*
     from scoring.account a, generate_series(2, $1::int) i where a.account_id = 'acme'`,
    [ACCOUNTS],
  )
}, 60_000)
afterAll(async () => {
  for (const stop of stops) await stop()
})

type Preview = { accounts: number; evaluated: number; sampled: boolean; affected: number }
const draftOf = async (client: RoutesClient, document: unknown): Promise<string> => {
  const { body } = await client.send('POST', '/v1/models', document)
  const { modelId, version } = body as { modelId: string; version: number }
  return `/v1/models/${modelId}/versions/${version}/preview`
}
/** Counts events otherwise than the shipped model: each account's events are read again. */
const otherCore = (document: ModelDocument): void => {
  document.coreFeatures = ['exports']
}
const timed = async <Answer>(work: () => Promise<Answer>) => {
  const startedAt = performance.now()
  const answer = await work()
  return { answer, tookMs: performance.now() - startedAt }
}

it('a model that matches none of 20,000 accounts is previewed within its time, and has looked at all', async () => {
  const path = await draftOf(api, segmentDocument('nobody', 'none'))
  const { answer, tookMs } = await timed(() => api.send('POST', path))
  expect(answer).toMatchObject({
    status: 200,
    body: { accounts: ACCOUNTS, evaluated: ACCOUNTS, sampled: false, affected: 0 } satisfies Preview,
  })
  expect(tookMs).toBeLessThan(5_000)
}, 60_000)

it('a preview that would take long ends with its time, says that it is a sample, and freezes nobody', async () => {
  const path = await draftOf(api, modelDocument(otherCore))
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  const { answer, tookMs } = await timed(() => api.send('POST', path))
  delay.disable()
  const { accounts, evaluated, sampled, affected } = answer.body as Preview
  expect([answer.status, accounts, sampled]).toEqual([200, ACCOUNTS, true])
  expect(evaluated).toBeGreaterThan(0)
  expect(affected).toBe(evaluated)
  expect(tookMs).toBeLessThan(8_000)
  expect(delay.percentile(99) / 1e6).toBeLessThan(P99_MS)
  expect(delay.max / 1e6).toBeLessThan(LONGEST_MS)
}, 60_000)

it('a tenant has two previews under way: more are told to come again, and another tenant is served', async () => {
  const path = await draftOf(api, modelDocument(otherCore))
  const own = Promise.all(Array.from({ length: 4 }, () => api.send('POST', path)))
  const theirs = await draftOf(other, modelDocument(otherCore))
  expect(await other.send('POST', theirs)).toMatchObject({ status: 200 })
  expect((await own).map(({ status }) => status).sort()).toEqual([200, 200, 429, 429])
}, 60_000)
