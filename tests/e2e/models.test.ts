import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { scoringConfigSchema } from '../../services/scoring/config.ts'
import { createScoring } from '../../services/scoring/service.ts'
import { eventually } from '../support/eventually.ts'
import { createTestPlatform, type TestPlatform } from '../support/processes/platform.ts'
import { createRoutesClient, type RoutesClient } from '../support/routes-client.ts'
import { everyDay, modelDocument, segmentDocument } from '../support/scoring/model-documents.ts'
import { usageRecord } from '../support/scoring/scorer.ts'

const DAY_MS = 86_400_000
let test: TestPlatform
let api: RoutesClient
let other: RoutesClient
const stops: (() => Promise<void>)[] = []

beforeAll(async () => {
  test = await createTestPlatform()
  const service = createScoring(test.platform, scoringConfigSchema.parse({}))
  await test.prepare(service)
  await service.start()
  api = await createRoutesClient(test.platform, service)
  other = await createRoutesClient({ ...test.platform, metrics: createMetrics() }, service, 'other')
  stops.push(api.close, other.close, service.stop, test.stop)
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

type Change = {
  sequence: number
  cause: string
  model: { id: string; version: number }
  health: { score: number; previousScore: number | null }
  explanation: { delta: number; cause: string }[]
}
type Health = {
  score: number
  model: { id: string; version: number }
  groups: { factors: { factor: string; value: number | null }[] }[]
  sequence: number
}
const send = (...records: ReturnType<typeof usageRecord>[]) => test.platform.bus.publish('usage.events', records)
const changesOf = async (accountId: string) =>
  (await api.get<{ items: Change[] }>(`/v1/accounts/${accountId}/changes?limit=500`)).items
const healthOf = (accountId: string, query = '') => api.get<Health>(`/v1/accounts/${accountId}/health${query}`)
const create = async (document: unknown): Promise<{ modelId: string; version: number }> => {
  const answer = await api.send('POST', '/v1/models', document)
  expect(answer).toMatchObject({ status: 201, body: { status: 'draft' } })
  return answer.body as { modelId: string; version: number }
}
const publish = async ({ modelId, version }: { modelId: string; version: number }) => {
  const answer = await api.send('POST', `/v1/models/${modelId}/versions/${version}/publish`)
  expect(answer).toEqual({ status: 200, body: { modelId, version } })
}
const withdraw = (modelId: string) => api.send('POST', `/v1/models/${modelId}/withdraw`)
const scoredBy = (accountId: string, model: string) =>
  eventually(`${accountId} is scored by ${model}`, async () => {
    const [change] = await changesOf(accountId)
    return change !== undefined && `${change.model.id}@${change.model.version}` === model
  })
const activeAccount = async (accountId: string, traits: object = {}) => {
  const days = Array.from({ length: 9 }, (_, day) => usageRecord(accountId, { agoMs: day * DAY_MS }))
  await send(usageRecord(accountId, { type: 'group', properties: traits, agoMs: 10 * DAY_MS }), ...days)
  await eventually(`${accountId} is there`, async () => (await api.status(`/v1/accounts/${accountId}`)) === 200)
}

it('lists the shipped model as version 1 of default, readable as JSON and as YAML with its comments', async () => {
  const { items } = await api.get<{ items: unknown[] }>('/v1/models')
  expect(items).toMatchObject([{ modelId: 'default', version: 1, status: 'live', author: 'pulso' }])
  const document = await api.get<{ id: string }>('/v1/models/default/versions/1')
  const yaml = await api.text('/v1/models/default/versions/1', 'application/yaml')
  expect(yaml).toContain('# The health model that Pulso ships')
  expect(parse(yaml)).toEqual(document)
  expect(await api.status('/v1/models/default/versions/2')).toBe(404)
})

it('scores every account anew once when a version is published, explained and marked as model_change', async () => {
  const accounts = Array.from({ length: 30 }, (_, i) => `anew-${i}`)
  for (const account of accounts) await activeAccount(account)
  const before = await Promise.all(accounts.map((account) => healthOf(account)))
  const draft = await create(modelDocument(everyDay))
  expect((await healthOf('anew-0')).model).toEqual({ id: 'default', version: 1 })
  await publish(draft)
  for (const [i, account] of accounts.entries()) {
    await scoredBy(account, `default@${draft.version}`)
    const changes = await changesOf(account)
    const moved = changes.filter((change) => change.explanation.some(({ cause }) => cause === 'model_change'))
    expect(moved).toHaveLength(1)
    const { health, explanation, cause } = moved[0]!
    expect(cause).toBe('model_change')
    expect(health.previousScore).toBe(before[i]!.score)
    expect(health.score).toBeLessThan(before[i]!.score)
    const sum = explanation.reduce((total, line) => total + Math.round(line.delta * 10_000), 0)
    expect(sum).toBe(Math.round((health.score - health.previousScore!) * 10_000))
  }
  const { items } = await api.get<{ items: { markers: string[]; model: { version: number } }[] }>(
    '/v1/accounts/anew-3/history?limit=500',
  )
  expect(items.at(-1)).toMatchObject({ markers: ['model_change'], model: { version: draft.version } })

  await publish({ modelId: 'default', version: 1 })
  await scoredBy('anew-7', 'default@1')
  expect((await healthOf('anew-7')).score).toBe(before[7]!.score)
  const { items: versions } = await api.get<{ items: object[] }>('/v1/models?modelId=default')
  expect(versions).toMatchObject([{ version: 1, status: 'live' }, { status: 'former' }])
})

it('previews who would change band on the live portfolio, by the numbers that publishing then brings', async () => {
  const draft = await create(
    modelDocument((document) => {
      everyDay(document)
      document.bands.insufficientBelow = 0
    }),
  )
  const preview = await api.send('POST', `/v1/models/default/versions/${draft.version}/preview`)
  const { body } = preview as {
    body: { accounts: number; bands: { accounts: number }[]; meanMove: number; bandChanges: number; items: Preview[] }
  }
  type Preview = { accountId: string; before: { score: number }; after: { score: number; band: string } }
  expect(preview).toMatchObject({ status: 200, body: { evaluated: body.accounts, sampled: false } })
  expect(body).toMatchObject({ affected: body.accounts, bandChanges: body.items.length })
  expect(body.bandChanges).toBeGreaterThan(0)
  expect(body.meanMove).toBeLessThan(0)
  expect(body.bands.reduce((sum, pair) => sum + pair.accounts, 0)).toBe(body.bandChanges)
  const one = body.items[0]!
  expect((await healthOf(one.accountId)).score).toBe(one.before.score)
  await publish(draft)
  await scoredBy(one.accountId, `default@${draft.version}`)
  expect(await healthOf(one.accountId)).toMatchObject(one.after)
  await withdraw('default')
  expect(await api.send('POST', '/v1/models/default/versions/99/preview')).toMatchObject({ status: 404 })
})

it('folds an account’s events anew where the new version counts them otherwise', async () => {
  await send(usageRecord('folded', { agoMs: 10 * DAY_MS, properties: { feature: 'export' }, userId: 'u-2' }))
  await activeAccount('folded')
  const depthOf = ({ groups }: Health) =>
    groups.flatMap(({ factors }) => factors).find((one) => one.factor === 'adoption.depth')?.value
  await eventually('all is counted', async () => depthOf(await healthOf('folded')) === 0.5)
  const draft = await create(modelDocument((document) => document.coreFeatures.push('export', 'reports')))
  await publish(draft)
  await scoredBy('folded', `default@${draft.version}`)
  const now = await healthOf('folded')
  const replayed = await healthOf('folded', `?at=${new Date().toISOString()}`)
  expect(replayed.groups).toEqual(now.groups)
  expect(depthOf(now)).toBe(1)
  await send(usageRecord('folded', { type: 'Support Ticket Opened', userId: 'u-3', properties: { priority: 'high' } }))
  await eventually('it goes on counting', async () => (await healthOf('folded')).sequence > now.sequence)
  expect((await healthOf('folded', `?at=${new Date().toISOString()}`)).groups).toEqual(
    (await healthOf('folded')).groups,
  )
  await api.send('POST', '/v1/models/default/withdraw')
})

it('scores the accounts of a segment by its model: from their first event, when a trait moves them, as of then and now', async () => {
  await activeAccount('mover', { plan: 'team' })
  const enterprise = await create(segmentDocument('enterprise', 'enterprise'))
  await publish(enterprise)
  await publish(await create(segmentDocument('lesser', 'enterprise', 9)))
  await activeAccount('born', { plan: 'enterprise' })
  const started = await changesOf('born')
  expect(started.map(({ model }) => model.id)).toEqual(started.map(() => 'enterprise'))
  expect(started.map(({ cause }) => cause)).not.toContain('model_change')

  const movedAt = new Date(Date.now() - 1_000).toISOString()
  await send(usageRecord('mover', { type: 'group', properties: { plan: 'enterprise' } }))
  await scoredBy('mover', 'enterprise@1')
  expect((await changesOf('mover'))[0]).toMatchObject({ cause: 'model_change' })
  expect((await healthOf('mover', `?at=${movedAt}`)).model.id).toBe('default')
  expect((await healthOf('mover', `?at=${new Date().toISOString()}`)).model.id).toBe('enterprise')

  expect(await withdraw('enterprise')).toEqual({ status: 200, body: { modelId: 'enterprise', version: null } })
  await scoredBy('mover', 'lesser@1')
  expect(await withdraw('lesser')).toMatchObject({ status: 200 })
  await scoredBy('mover', 'default@1')
  expect(await withdraw('lesser')).toMatchObject({ status: 404 })
})

it('keeps YAML as it was written, numbers versions without gaps and never changes one', async () => {
  const text = `# ours\n${await api.text('/v1/models/default/versions/1', 'application/yaml')}`
  const yaml = text.replace(
    'id: default\nversion: 1\n',
    'id: yaml-made\nsegment: { priority: 1, when: { trait: a, op: known } }\n',
  )
  const made = await create(yaml)
  expect(made).toMatchObject({ modelId: 'yaml-made', version: 1 })
  const kept = await api.text('/v1/models/yaml-made/versions/1', 'application/yaml')
  expect(kept).toContain('# ours')
  expect(parse(kept)).toMatchObject({ id: 'yaml-made', version: 1 })
  const again = parse(yaml) as object
  expect(await api.send('POST', '/v1/models', { ...again, version: 1 })).toMatchObject({
    status: 409,
    body: { errors: [{ pointer: '/version', code: 'not_next' }] },
  })
  expect(await api.send('POST', '/v1/models', { ...again, version: 2 })).toMatchObject({ status: 201 })
})

const mine = (when: object): object => ({ id: 'mine', segment: { priority: 1, when } })

it.each<[string, object, string]>([
  ['weights that miss 100', { groups: modelDocument().groups.slice(1) }, '/groups'],
  ['a segment of the default', { ...mine({ trait: 'a', op: 'known' }), id: 'default' }, '/segment'],
  ['a model for nobody', { id: 'mine' }, '/segment'],
  ['a condition without a value', mine({ all: [{ trait: 'plan', op: '==' }] }), '/segment/when/all/0/value'],
  ['a condition with a strange operator', mine({ not: { trait: 'plan', op: '~' } }), '/segment/when/not/op'],
])('refuses %s with a pointer into the document, and keeps nothing', async (_, change, pointer) => {
  const before = await api.get<{ items: object[] }>('/v1/models?limit=500')
  const answer = await api.send('POST', '/v1/models', { ...modelDocument(), ...change })
  expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_model' } })
  expect((answer.body as { errors: { pointer: string }[] }).errors.map((error) => error.pointer)).toContain(pointer)
  expect(await api.get('/v1/models?limit=500')).toEqual(before)
})

it('refuses text that is not YAML, and YAML that expands without bound', async () => {
  for (const text of ['a: [', 'a: &x [1]\nb: [*x, *x]', '['.repeat(50_000)])
    expect(await api.send('POST', '/v1/models', text)).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '' }] },
    })
})

it('shows and changes nothing of another tenant', async () => {
  await create(segmentDocument('private', 'x'))
  expect(await other.status('/v1/models/private/versions/1')).toBe(404)
  expect(await other.send('POST', '/v1/models/private/versions/1/publish')).toMatchObject({ status: 404 })
  expect(await other.get('/v1/models')).toMatchObject({ items: [{ modelId: 'default', version: 1 }] })
})

it('leaves an audit row for each change, and none for what was live already', async () => {
  const draft = await create(segmentDocument('audited', 'audited'))
  await publish(draft)
  await publish(draft)
  await withdraw('audited')
  const { items } = await api.get<{ items: { action: string; subject: string }[] }>('/v1/audit?limit=500')
  const actions = items.filter((row) => row.subject === 'audited').map((row) => row.action)
  expect(actions).toEqual(['model.withdrawn', 'model.published', 'model.created'])
})
