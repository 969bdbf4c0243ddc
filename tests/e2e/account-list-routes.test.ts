import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { RoutesClient } from '../support/routes-client.ts'
import { type ScorerFixture, startScorer, usageRecord } from '../support/scoring/scorer.ts'

let scorer: ScorerFixture
let api: RoutesClient

beforeAll(async () => {
  scorer = await startScorer()
  api = scorer.api
  const traits = {
    name: 'Ärger & Söhne',
    ownerId: 'csm-7',
    plan: 'pro',
    seats: 7,
    code: '007',
    mrr: 12_500,
    renewalDate: '2030-01-31',
  }
  await scorer.send(usageRecord('acme', { type: 'group', properties: traits }), usageRecord('acme'))
  await scorer.send(usageRecord('plain'))
  for (const id of ['acme', 'plain'])
    await eventually(`${id} is scored`, async () => (await api.status(`/v1/accounts/${id}`)) === 200)
})
afterAll(() => scorer?.stop())

const list = async (query: string) =>
  (await api.get<{ items: { accountId: string; band: string; score: number }[] }>(`/v1/accounts?${query}`)).items
const ids = async (query: string) => (await list(query)).map((item) => item.accountId)

it.each([
  ['q=%C3%A4rger', ['acme']],
  ['q=ACM', ['acme']],
  ['q=%20', ['acme', 'plain']],
  ['owner=csm-7', ['acme']],
  ['trait.plan=pro', ['acme']],
  ['trait.seats=7', ['acme']],
  ['trait.code=007', ['acme']],
  ['trait.seats=007', []],
  ['trait.plan=free', []],
  ['stage=onboarding', ['acme', 'plain']],
  ['sort=-mrr', ['acme', 'plain']],
  ['sort=mrr', ['acme', 'plain']],
  ['sort=-renewalDate', ['acme', 'plain']],
  ['sort=-accountId', ['plain', 'acme']],
])('lists by %s', async (query, expected) => {
  expect(await ids(query)).toEqual(expected)
})

it('shows what a person changed in the very next answer', async () => {
  expect(await ids('maxScore=10')).toEqual([])
  await api.send('PUT', '/v1/accounts/plain/override', { score: 5, reason: 'they told us that they leave' })
  expect(await list('maxScore=10&sort=-score')).toMatchObject([{ accountId: 'plain', score: 5, band: 'critical' }])
  expect(await ids('band=critical&sort=score')).toEqual(['plain'])
  await api.send('DELETE', '/v1/accounts/plain/override')
  expect(await ids('band=critical')).toEqual([])
})

it('lists an account whose owner, name and parent are longer than an index entry may be', async () => {
  const long = 'x'.repeat(10_000)
  await scorer.send(
    usageRecord('long', { type: 'group', properties: { name: long, ownerId: long, parentId: long, plan: long } }),
  )
  await eventually('it is scored', async () => (await api.status('/v1/accounts/long')) === 200)
  expect(await ids('q=long')).toEqual(['long'])
  expect(await ids(`owner=${'x'.repeat(256)}`)).toEqual(['long'])
})

const cursorOf = (value: unknown, sort: string) =>
  Buffer.from(JSON.stringify({ value, accountId: 'acme', sort })).toString('base64url')

it('refuses parameters and cursors that mean nothing, and never fails on them', async () => {
  for (const [sort, value] of [
    ['score', 'high'],
    ['renewalDate', 1.5],
    ['renewalDate', 1e12],
    ['accountId', null],
    ['mrr', {}],
  ] as const)
    expect(await api.status(`/v1/accounts?sort=${sort}&cursor=${cursorOf(value, sort)}`)).toBe(400)
  expect(await api.status(`/v1/accounts?sort=mrr&cursor=${cursorOf(5, 'score')}`)).toBe(400)
  expect(await api.status('/v1/accounts?sort=state')).toBe(400)
  for (const query of [
    'q=%00',
    'trait.a=%00',
    'trait.%00=a',
    'trait.=a',
    'trait.a=%22%5C',
    'q=%25%5C_',
    'owner=%00',
    `trait.a=${'9'.repeat(500)}`,
  ])
    expect([query, [200, 400, 422].includes(await api.status(`/v1/accounts?${query}`))]).toEqual([query, true])
})
