import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { insertTenant } from '#libs/access/tenant-store.ts'
import { describeError } from '#libs/http/problems/problem.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { alertingConfigSchema } from '../../services/alerting/config.ts'
import { createAlerting } from '../../services/alerting/service.ts'
import { scoringConfigSchema } from '../../services/scoring/config.ts'
import { createScoring } from '../../services/scoring/service.ts'
import { eventually } from '../support/eventually.ts'
import { createTestPlatform, type TestPlatform } from '../support/processes/platform.ts'
import { createRoutesClient, type RoutesClient } from '../support/routes-client.ts'
import { usageRecord } from '../support/scoring/scorer.ts'

type Api = { paths: Record<string, { get?: { parameters?: { name: string; in: string }[] } }> }
const listsOf = (service: string): string[] => {
  const { paths } = JSON.parse(readFileSync(new URL(`../../openapi/${service}.json`, import.meta.url), 'utf8')) as Api
  return Object.keys(paths).filter((path) => paths[path]!.get?.parameters?.some(({ name }) => name === 'cursor'))
}

let platform: TestPlatform
const clients: Record<string, RoutesClient> = {}
const ids: Record<string, string> = { accountId: 'acme' }
const stops: (() => Promise<void>)[] = []
beforeAll(async () => {
  platform = await createTestPlatform()
  const own = { ...platform.platform, metrics: createMetrics() }
  const scoring = createScoring(platform.platform, scoringConfigSchema.parse({}))
  const alerting = createAlerting(own, alertingConfigSchema.parse({}))
  await platform.prepare(scoring)
  await platform.prepare(alerting)
  await scoring.start()
  clients.scoring = await createRoutesClient(platform.platform, scoring)
  clients.alerting = await createRoutesClient(own, alerting)
  stops.push(clients.scoring.close, clients.alerting.close, scoring.stop, platform.stop)
  await insertTenant(platform.platform.database, { id: 'default', name: 'Default' })
  await platform.platform.bus.publish('usage.events', [usageRecord('acme')])
  const hook = { url: 'https://hooks.example.com/in', eventTypes: ['alert.firing'] }
  ids.endpointId = ((await clients.alerting.send('POST', '/v1/webhook-endpoints', hook)).body as { id: string }).id
  await eventually('the account is scored', async () => (await clients.scoring!.status('/v1/accounts/acme')) === 200)
}, 60_000)
afterAll(async () => {
  for (const stop of stops) await stop()
})

const UUID = '019371d5-4b1e-7cc0-8f4e-0a3f0d9c2b11'
/** What pages of all lists give as cursor. */
const CURSORS: Record<string, unknown>[] = [
  { at: 1e12, version: 3 },
  { openedAt: 1e12, alertId: UUID },
  { createdAt: 1e12, deliveryId: UUID },
  { startedAt: 1e12, source: 'web' },
  { occurredAt: 1e12, id: 'a', source: 'web' },
  { value: 'acme', accountId: 'acme', sort: 'accountId' },
  { modelId: 'default', version: 1 },
]
const FORGED = [1e300, -1e300, 1.5, -9e15, 9e15, 2 ** 31, '\u0000', '\ud800', 'a', '', null, [], {}, true]
const cursors = [
  ...FORGED,
  ...CURSORS.flatMap((cursor) =>
    Object.keys(cursor).flatMap((name) => FORGED.map((value) => ({ ...cursor, [name]: value }))),
  ),
].map((value) => Buffer.from(JSON.stringify(value)).toString('base64url'))

const lists = ['scoring', 'alerting'].flatMap((service) => listsOf(service).map((path) => [service, path] as const))

it.each(lists)(
  '%s %s: a forged cursor is a mistake of the caller, never a fault',
  async (service, path) => {
    const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? UUID)
    const odd: unknown[] = []
    for (const query of path.endsWith('/history') ? ['resolution=change&', 'resolution=day&'] : [''])
      for (const cursor of cursors) {
        const { status, body } = await clients[service]!.send('GET', `${url}?${query}cursor=${cursor}`)
        const { errors = [] } = (body ?? {}) as { errors?: { code: string }[] }
        const isFine = status === 200 || status === 403 || (status === 400 && errors[0]?.code === 'invalid_cursor')
        if (!isFine) odd.push([Buffer.from(cursor, 'base64url').toString(), status, body])
      }
    expect(odd).toEqual([])
  },
  60_000,
)

it('the lists of every kind are tried', () => {
  expect(lists.length).toBeGreaterThan(12)
})

it('a value that PostgreSQL cannot take is a mistake of the caller', async () => {
  const refused = await platform.platform.database.query(`select $1::int`, ['x']).catch((error: unknown) => error)
  expect(describeError(refused)).toMatchObject({ status: 400, code: 'invalid_value' })
})
