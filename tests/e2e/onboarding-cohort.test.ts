import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { RoutesClient } from '../support/routes-client.ts'
import { type ScorerFixture, startScorer, usageRecord } from '../support/scoring/scorer.ts'

const DAY_MS = 86_400_000
let scorer: ScorerFixture
let api: RoutesClient

beforeAll(async () => {
  scorer = await startScorer()
  api = scorer.api
})
afterAll(() => scorer?.stop())

const on = (accountId: string, type: string, daysAgo: number, properties: object = {}) =>
  usageRecord(accountId, { type, agoMs: daysAgo * DAY_MS, properties })
const started = (accountId: string, daysAgo: number, journeyId: string) =>
  on(accountId, 'Onboarding Started', daysAgo, { journeyId, steps: ['connect', 'invite', 'publish'] })
const step = (accountId: string, stepId: string, daysAgo: number, journeyId: string) =>
  on(accountId, 'Onboarding Step Completed', daysAgo, { journeyId, stepId })

/** An onboarding of `days` days that ended by its gates. */
const completed = async (accountId: string, days: number, journeyId: string) => {
  await scorer.send(
    started(accountId, 30, journeyId),
    ...['connect', 'invite'].map((stepId) => step(accountId, stepId, 28, journeyId)),
    on(accountId, 'Value Realized', 29),
    step(accountId, 'publish', 30 - days, journeyId),
  )
  await eventually(`${accountId} is through`, async () => (await stages('adoption')).includes(accountId))
}
const stages = async (stage: string) =>
  (await api.get<{ items: { accountId: string }[] }>(`/v1/accounts?stage=${stage}&limit=500`)).items.map(
    (item) => item.accountId,
  )
type Eta = { basis: string; at: string | null; earliestAt: string | null; latestAt: string | null }
const etaOf = async (accountId: string) => (await api.get<{ eta: Eta }>(`/v1/accounts/${accountId}/journey`)).eta
const daysFrom = (startDaysAgo: number, instant: string | null) =>
  Math.round(((Date.parse(instant!) - Date.now()) / DAY_MS + startDaysAgo) * 100) / 100

it('estimates the end of an onboarding by how long the tenant’s accounts took for that journey, once ten have', async () => {
  await scorer.send(started('new', 5, 'main'), step('new', 'connect', 4, 'main'))
  await scorer.send(started('own', 5, 'main'), step('own', 'connect', 4, 'main'), step('own', 'invite', 1, 'main'))
  await scorer.send(started('module', 5, 'module'))
  for (let days = 5; days <= 13; days++) await completed(`done-${days}`, days, 'main')
  expect(await etaOf('new')).toEqual({ basis: 'insufficient_data', at: null, earliestAt: null, latestAt: null })
  expect(daysFrom(5, (await etaOf('own')).at)).toBe(7.5)
  await completed('done-14', 14, 'main')
  const eta = await etaOf('new')
  expect(eta.basis).toBe('cohort')
  expect([eta.earliestAt, eta.at, eta.latestAt].map((at) => daysFrom(5, at))).toEqual([7.25, 9.5, 11.75])
  const own = await etaOf('own')
  expect(own.basis).toBe('own_rate')
  expect(daysFrom(5, own.at)).toBe(7.5)
  expect(daysFrom(5, own.earliestAt)).toBe(7.25)
  expect(await etaOf('module')).toMatchObject({ basis: 'insufficient_data' })
})
