import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BusRecord } from '#libs/bus/bus.ts'
import { accountKey, sourceKey } from '#libs/contracts/topics.ts'
import { toInstant } from '#libs/runtime/clock.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { alertingConfigSchema } from '../../services/alerting/config.ts'
import { createAlerting } from '../../services/alerting/service.ts'
import { scoringConfigSchema } from '../../services/scoring/config.ts'
import { createScoring } from '../../services/scoring/service.ts'
import { eventually } from '../support/eventually.ts'
import { createTestPlatform, type TestPlatform } from '../support/processes/platform.ts'
import { createRoutesClient, type RoutesClient } from '../support/routes-client.ts'
import { accountChange } from '../support/scoring/account-changes.ts'
import { usageRecord } from '../support/scoring/scorer.ts'

type Page = { readonly items: readonly Record<string, unknown>[] }
type Service = ReturnType<typeof createScoring>

const UNKNOWN = { memberOfANewerRelease: { any: 1 } }
let platform: TestPlatform
let services: readonly Service[]
let scoring: RoutesClient
let alerting: RoutesClient

beforeAll(async () => {
  platform = await createTestPlatform()
  services = [
    createScoring(platform.platform, scoringConfigSchema.parse({})),
    createAlerting(platform.platform, alertingConfigSchema.parse({})),
  ]
  for (const service of services) {
    await platform.prepare(service)
    await service.start()
  }
  const clients = services.map((service) =>
    createRoutesClient({ ...platform.platform, metrics: createMetrics() }, service),
  )
  ;[scoring, alerting] = (await Promise.all(clients)) as [RoutesClient, RoutesClient]
})
afterAll(async () => {
  await Promise.all([scoring?.close(), alerting?.close()])
  for (const service of services) await service.stop()
  await platform.stop()
})

/** The record as a release that writes version 2 of it would write it, with these members more. */
const newer = ({ key, value, headers }: BusRecord, more: object = {}): BusRecord => ({
  key,
  headers: { ...headers, version: '2' },
  value: Buffer.from(JSON.stringify({ ...JSON.parse(value.toString()), ...UNKNOWN, ...more })),
})
const publish = (topic: string, ...records: readonly BusRecord[]) => platform.platform.bus.publish(topic, records)
const counted = async (topic: string): Promise<number> => {
  const line = (await platform.platform.metrics.metrics())
    .split('\n')
    .find((one) => one.startsWith('pulso_bus_newer_records_total{') && one.includes(`"${topic}"`))
  return Number(line?.split(' ').at(-1) ?? 0)
}
const deadLetters = async () => (await scoring.get<Page>('/v1/dead-letters')).items
const countedOf = async (accountId: string): Promise<number> => {
  const path = `/v1/accounts/${accountId}/events?limit=100`
  return (await scoring.status(path)) === 200 ? (await scoring.get<Page>(path)).items.length : 0
}

test('facts of a newer release are counted, live or of the past by their age, and commands are done', async () => {
  const command = { tenantId: 'default', accountId: 'acme', dueAt: toInstant(Date.now()) }
  await publish(
    'usage.events',
    newer(usageRecord('acme'), { mode: 'rehearsal' }),
    newer(usageRecord('acme', { agoMs: 60 * DAY_MS }), { mode: 'rehearsal' }),
    newer({
      key: accountKey('default', 'acme'),
      headers: { kind: 'evaluate' },
      value: Buffer.from(JSON.stringify(command)),
    }),
    usageRecord('globex'),
  )
  await eventually('all are counted', async () => (await countedOf('acme')) + (await countedOf('globex')) === 3)
  await eventually('the newer ones are noted', async () => (await counted('usage.events')) === 3)
  expect(await deadLetters()).toEqual([])
  // Its kept events are read again.
  expect(await scoring.status(`/v1/accounts/acme/health?at=${toInstant(Date.now() - DAY_MS)}`)).toBe(200)
})

test('a mode that nobody knows is still refused of a record that names no newer version', async () => {
  const refused = usageRecord('initech', { mode: 'rehearsal' })
  await publish('usage.events', refused, { ...refused, headers: { version: 'of my own' } })
  await eventually('both are dead letters', async () => (await deadLetters()).length === 2)
  expect((await deadLetters()).map(({ reason }) => reason)).toEqual(Array(2).fill('mode is neither live nor backfill'))
  await platform.platform.database.query('delete from scoring.dead_letter')
})

test('a change of an account by a newer release alerts, whatever band or cause it names', async () => {
  const before = await counted('account.health')
  const change = accountChange({ accountId: 'hooli', sequence: 1, score: 20, previousScore: 80, at: Date.now() })
  const value = Buffer.from(JSON.stringify(change))
  const facts = { ...change.facts, stage: 'expansion', ...UNKNOWN }
  await publish('account.health', newer({ key: accountKey('default', 'hooli'), value }, { cause: 'weather', facts }))
  await eventually(
    'an alert is open',
    async () => (await alerting.get<Page>('/v1/alerts?accountId=hooli')).items.length > 0,
  )
  await eventually('it is noted', async () => (await counted('account.health')) === before + 1)
  expect(await deadLetters()).toEqual([])
})

test('an activity of a source by a newer release is seen', async () => {
  const activity = { tenantId: 'default', source: 'crm', heardAt: toInstant(Date.now()), expectedIntervalHours: null }
  const value = Buffer.from(JSON.stringify(activity))
  await publish('source.activity', newer({ key: sourceKey('default', 'crm'), value }))
  await eventually('it is noted', async () => (await counted('source.activity')) === 1)
  const seen = await platform.platform.database.query(`select 1 from alerting.subject where name = 'crm'`)
  expect(seen).toHaveLength(1)
  expect(await deadLetters()).toEqual([])
})

test('a dead letter by a newer release is listed with its bytes, and its original headers', async () => {
  const headers = {
    version: '3',
    trace: 't-1',
    'dead-version': '2',
    'dead-reason': 'because',
    'dead-topic': 'usage.events',
    'dead-partition': '0',
    'dead-offset': '7',
    'dead-at': toInstant(Date.now()),
  }
  const lone = { ...headers, 'dead-partition': 'of a kind of its own' }
  await publish(
    'usage.events.dead',
    { key: 'default:acme', value: Buffer.from('{'), headers },
    { key: 'default:acme', value: Buffer.from('{'), headers: lone },
  )
  await eventually('both are listed', async () => (await deadLetters()).length === 2)
  for (const { id, reason } of await deadLetters()) {
    expect(reason).toBe('because')
    expect((await scoring.get<Page & { headers: object }>(`/v1/dead-letters/${id}`)).headers).toEqual({
      version: '3',
      trace: 't-1',
      'signed-at': expect.any(String),
    })
  }
  await eventually('they are noted', async () => (await counted('usage.events.dead')) === 2)
})

test('whatever this release writes names its version', async () => {
  const versions = new Map<string, Set<string | undefined>>()
  const { bus } = platform.platform
  await publish('usage.events', { ...usageRecord('umbrella'), value: Buffer.from('no JSON') })
  const topics = ['account.health', 'source.activity', 'alert.events', 'usage.events.dead'] as const
  for (const topic of topics)
    await bus.consume({
      group: `versions-of-${topic}`,
      topic,
      handle: async ({ records }) => {
        const seen = versions.get(topic) ?? new Set()
        for (const { headers } of records) seen.add(headers[topic.endsWith('.dead') ? 'dead-version' : 'version'])
        versions.set(topic, seen)
      },
    })
  await eventually('all topics show it', async () => topics.every((topic) => versions.get(topic)?.has('1')))
  expect(versions.get('alert.events')).toEqual(new Set(['1']))
})
