import { expect, onTestFinished, test } from 'vitest'
import { newApiKey } from '#libs/access/keys/api-key.ts'
import { ensureBootstrapKey } from '#libs/access/keys/bootstrap-key.ts'
import { createHttpServer } from '#libs/http/server.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import { newId } from '#libs/runtime/ids.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { createTestPlatform } from '../../../tests/support/processes/platform.ts'
import { createRoutesClient } from '../../../tests/support/routes-client.ts'
import { scoringConfigSchema } from '../config.ts'
import { createScoring } from '../service.ts'
import { insertDeadLetters } from './dead-letter-store.ts'

const prepareScoring = async (deadLetterDays = 30) => {
  const { platform: basic, prepare, stop } = await createTestPlatform()
  onTestFinished(stop)
  const platform = { ...basic, settings: { ...basic.settings, deadLetterDays } }
  const service = createScoring(platform, scoringConfigSchema.parse({}))
  await prepare(service)
  const keep = async (topic: string, ageDays: number): Promise<string> => {
    const id = newId()
    const at = Date.now() - ageDays * DAY_MS
    const [key, headers, value, reason] = ['default:acme', {}, Buffer.from('{'), 'not JSON']
    await insertDeadLetters(platform.database, [
      { id, tenantId: null, accountId: null, topic, partition: 0, offset: 0, key, headers, value, reason, at },
    ])
    return id
  }
  const start = async (): Promise<void> => {
    await service.start()
    onTestFinished(service.stop)
  }
  return { ...platform, service, start, keep }
}

test('a key without the right to manage tenants sees, replays and drops no dead letter', async () => {
  const { service, keep, ...platform } = await prepareScoring()
  const id = await keep('usage.events', 1)
  const operator = newApiKey().key
  await ensureBootstrapKey(platform.database, operator)
  const app = await createHttpServer({ ...platform, metrics: createMetrics(), title: 'T', version: '0', checks: {} })
  onTestFinished(() => app.close())
  await app.register(service.routes)
  const call = (key: string, method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object) =>
    app.inject({ method, url, headers: { authorization: `Bearer ${key}` }, ...(payload && { payload }) })
  const made = await call(operator, 'POST', '/v1/keys', { name: 'admin', scopes: ['ingest', 'read', 'write', 'admin'] })
  const { key: admin } = made.json<{ key: string }>()
  const asked = [
    ['GET', '/v1/dead-letters'],
    ['GET', `/v1/dead-letters/${id}`],
    ['POST', `/v1/dead-letters/${id}/replay`],
    ['POST', '/v1/dead-letters/replay', {}],
    ['DELETE', `/v1/dead-letters/${id}`],
  ] as const
  for (const [method, url, payload] of asked) {
    const answer = await call(admin, method, url, payload)
    expect([method, url, answer.statusCode]).toEqual([method, url, 403])
    expect(answer.body).not.toContain(id)
  }
  const [kept] = await platform.database.query('select status, claim_token from scoring.dead_letter')
  expect(kept).toEqual({ status: 'waiting', claim_token: null })
  expect((await call(operator, 'GET', `/v1/dead-letters/${id}`)).statusCode).toBe(200)
})

test('the gauge counts the letters that wait, by topic, and none that was replayed or dropped', async () => {
  const { service, keep, start, ...platform } = await prepareScoring()
  await start()
  const ids = [await keep('usage.events', 1), await keep('usage.events', 1), await keep('usage.events', 1)]
  await keep('account.health', 1)
  const waiting = async (): Promise<Record<string, number>> => {
    const { values } = await platform.metrics.getSingleMetric('pulso_dead_letters_waiting')!.get()
    return Object.fromEntries(values.map(({ labels, value }) => [labels.topic, value]))
  }
  expect(await waiting()).toEqual({ 'usage.events': 3, 'account.health': 1 })
  const api = await createRoutesClient({ ...platform, metrics: createMetrics() }, service)
  onTestFinished(api.close)
  expect((await api.send('DELETE', `/v1/dead-letters/${ids[0]}`)).status).toBe(204)
  expect(await waiting()).toEqual({ 'usage.events': 2, 'account.health': 1 })
  expect((await api.send('POST', `/v1/dead-letters/${ids[1]}/replay`)).status).toBe(202)
  // Replayed, and back as another letter, since it still cannot be read.
  await eventually('it is parked again', async () => (await waiting())['usage.events'] === 2)
  expect((await api.send('DELETE', `/v1/dead-letters/${ids[2]}`)).status).toBe(204)
  expect(await waiting()).toEqual({ 'usage.events': 1, 'account.health': 1 })
})

test('letters are kept as long as the topics keep them, by the same setting', async () => {
  const { keep, start, database } = await prepareScoring(90)
  const young = await keep('usage.events', 89)
  await keep('usage.events', 91)
  await start()
  const kept = () => database.query<{ id: string }>('select letter_id as id from scoring.dead_letter')
  await eventually('the old one is gone', async () => (await kept()).length === 1)
  expect(await kept()).toEqual([{ id: young }])
})
