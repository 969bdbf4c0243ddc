import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { RoutesClient } from '../support/routes-client.ts'
import { type ScorerFixture, startScorer, usageRecord } from '../support/scoring/scorer.ts'

let scorer: ScorerFixture
let api: RoutesClient

beforeAll(async () => {
  scorer = await startScorer()
  api = scorer.api
  await scorer.send(
    usageRecord('acme'),
    usageRecord('acme', { agoMs: 86_400_000 }),
    usageRecord('acme', { agoMs: 2 * 86_400_000 }),
  )
  await eventually('acme is scored', async () => (await api.status('/v1/accounts/acme')) === 200)
})
afterAll(() => scorer?.stop())

type Health = {
  score: number
  computedScore: number
  band: string
  sequence: number
  override: { author: string } | null
}
type Changes = { items: { sequence: number; cause: string; explanation: { factor: string; delta: number }[] }[] }
const health = () => api.get<Health>('/v1/accounts/acme/health')

it('shows an override beside the computed score, as a change of its own, until it is removed', async () => {
  const before = await health()
  const set = await api.send('PUT', '/v1/accounts/acme/override', { score: 12.50004, reason: 'the sponsor leaves' })
  expect(set).toMatchObject({ status: 200, body: { score: 12.5, author: 'tester' } })
  const during = await health()
  expect(during).toMatchObject({
    score: 12.5,
    computedScore: before.computedScore,
    band: 'critical',
    override: { score: 12.5, author: 'tester' },
  })
  const { items } = await api.get<Changes>('/v1/accounts/acme/changes')
  expect(items[0]).toMatchObject({ sequence: during.sequence, cause: 'override' })
  expect(items[0]?.explanation.find((line) => line.factor === 'override')).toBeDefined()
  expect((await api.send('DELETE', '/v1/accounts/acme/override')).status).toBe(204)
  expect(await health()).toMatchObject({ score: before.score, override: null, sequence: during.sequence + 1 })
})

it('goes on counting events of an account that a person changed meanwhile', async () => {
  await api.send('PUT', '/v1/accounts/acme/override', { score: 50, reason: 'wait and see' })
  await scorer.send(usageRecord('acme', { userId: 'u-9' }))
  await expect
    .poll(async () => (await api.get<{ items: unknown[] }>('/v1/accounts/acme/events')).items.length, {
      timeout: 20_000,
    })
    .toBe(4)
  expect(await health()).toMatchObject({ score: 50 })
  await api.send('DELETE', '/v1/accounts/acme/override')
})

it.each([
  [{ score: 101, reason: 'x' }, '/score'],
  [{ score: 50 }, '/reason'],
  [{ score: 50, reason: ' ' }, '/reason'],
  [{ score: 50, reason: 'x', expiresAt: '2020-01-01T00:00:00.000Z' }, '/expiresAt'],
])('refuses a bad override with a pointer: %j', async (body, pointer) => {
  const answer = await api.send('PUT', '/v1/accounts/acme/override', body)
  expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer }] } })
})

it('ends onboarding by a bypass, which is an event of the account and no activity', async () => {
  expect(await api.get('/v1/accounts/acme/journey')).toMatchObject({
    stage: 'onboarding',
    journeys: [{ journeyId: 'main' }],
  })
  expect((await api.send('POST', '/v1/accounts/acme/journey/bypass', { reason: 'done by hand' })).status).toBe(202)
  await expect
    .poll(async () => (await api.get<{ stage: string }>('/v1/accounts/acme/journey')).stage, { timeout: 20_000 })
    .toBe('adoption')
  const events = await api.get<{ items: { type: string }[] }>('/v1/accounts/acme/events')
  expect(events.items[0]).toMatchObject({
    type: 'Onboarding Bypassed',
    properties: { reason: 'done by hand', by: 'tester' },
  })
  const audit = await api.get<{ items: { action: string }[] }>('/v1/audit')
  expect(audit.items.map((row) => row.action)).toContain('journey.bypassed')
})

it('knows no account that it does not have', async () => {
  expect((await api.send('PUT', '/v1/accounts/nobody/override', { score: 5, reason: 'x' })).status).toBe(404)
  expect((await api.send('DELETE', '/v1/accounts/nobody/override')).status).toBe(404)
  expect((await api.send('POST', '/v1/accounts/nobody/journey/bypass', { reason: 'x' })).status).toBe(404)
})
