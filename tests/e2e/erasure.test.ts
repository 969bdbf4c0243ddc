import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '#libs/runtime/clock.ts'
import { eventually } from '../support/eventually.ts'
import { findTexts } from '../support/find-text.ts'
import { usageRecord } from '../support/scoring/scorer.ts'
import { createShared, type Replica, type Shared } from '../support/scoring/scoring-and-alerting.ts'

const DAY_MS = 86_400_000
const ACCOUNT = 'canary-account'
const NEIGHBOUR = 'neighbour'

let shared: Shared
let replica: Replica
let past: ReturnType<typeof usageRecord>[]
type Page<Item = Record<string, unknown>> = { readonly items: readonly Item[] }

const send = (records: readonly ReturnType<typeof usageRecord>[]) =>
  shared.test.platform.bus.publish('usage.events', records)
const countEvents = async (accountId: string): Promise<number> =>
  (await replica.api.get<Page>(`/v1/accounts/${accountId}/events?limit=500`)).items.length
const statusOf = (accountId: string) => replica.api.status(`/v1/accounts/${accountId}`)

beforeAll(async () => {
  shared = await createShared(systemClock)
  replica = await shared.startReplica()
  // No receiver is reached: the address is none that webhooks may be sent to.
  await shared.test.platform.database.query(
    `insert into alerting.webhook_endpoint (tenant_id, endpoint_id, kind, url, event_types, filter, state, state_at, created_at)
     values ('default', gen_random_uuid(), 'standard', 'https://127.0.0.1:1/', '{}', '{}', 'enabled', now(), now())`,
  )
  const days = Array.from({ length: 20 }, (_, day) => day)
  past = [ACCOUNT, NEIGHBOUR].flatMap((accountId) => [
    usageRecord(accountId, {
      type: 'identify',
      userId: 'canary-user',
      properties: { name: 'canary-trait', email: 'canary-user@example.com', ownerId: 'canary-owner' },
    }),
    ...days.map((day) => usageRecord(accountId, { userId: 'canary-user', agoMs: day * DAY_MS })),
    usageRecord(accountId, {
      type: 'NPS Responded',
      userId: 'canary-user',
      properties: { score: 2, comment: 'canary-trait' },
    }),
    usageRecord(accountId, { type: 'Champion Changed', properties: { to: 'canary-user' } }),
  ])
  await send(past)
})
afterAll(() => shared?.stop())

describe('an account that is erased', () => {
  test('was everywhere before', async () => {
    await eventually('both accounts have alerts', async () => {
      const alerts = await replica.alerts.get<Page>(`/v1/alerts?accountId=${ACCOUNT}`)
      return alerts.items.length > 0 && (await statusOf(NEIGHBOUR)) === 200
    })
    await replica.api.send('PUT', `/v1/accounts/${ACCOUNT}/override`, { score: 10, reason: 'canary-reason' })
    await replica.api.send('POST', `/v1/accounts/${ACCOUNT}/journey/bypass`, { reason: 'canary-reason' })
    const silence = {
      matcher: { accountId: ACCOUNT },
      endsAt: new Date(Date.now() + DAY_MS).toISOString(),
      comment: 'holiday',
    }
    expect((await replica.alerts.send('POST', '/v1/silences', silence)).status).toBe(201)
    await eventually('all of it is counted', async () => (await countEvents(ACCOUNT)) === past.length / 2 + 1)
    expect(await findTexts(shared.test.platform.database, [ACCOUNT])).toEqual(
      expect.arrayContaining([
        'access.audit',
        'alerting.account',
        'alerting.alert',
        'alerting.delivery',
        'alerting.silence',
        'alerting.webhook_message',
        'bus.chunks',
        'scoring.account',
        'scoring.account_log',
        'scoring.account_page',
        'scoring.log_frame',
      ]),
    )
  })

  test('is gone from every table when the request is answered, while its neighbours in frames and chunks stay whole', async () => {
    const before = await replica.api.get(`/v1/accounts/${NEIGHBOUR}/events?limit=500`)
    const changes = await replica.api.get(`/v1/accounts/${NEIGHBOUR}/changes?limit=500`)
    expect((await replica.api.send('DELETE', `/v1/accounts/${ACCOUNT}`)).status).toBe(204)
    expect(await findTexts(shared.test.platform.database, [ACCOUNT, 'canary-reason'])).toEqual([])
    expect(await statusOf(ACCOUNT)).toBe(404)
    expect(await replica.api.get(`/v1/accounts/${NEIGHBOUR}/events?limit=500`)).toEqual(before)
    expect(await replica.api.get(`/v1/accounts/${NEIGHBOUR}/changes?limit=500`)).toEqual(changes)
    const { items } = await replica.api.get<Page>('/v1/audit')
    expect(items[0]).toMatchObject({
      action: 'account.erased',
      subject: expect.stringMatching(/^hmac:[0-9a-f]{64}$/),
    })
    expect(items.filter((row) => row.subject === items[0]?.subject).map((row) => row.action)).toEqual([
      'account.erased',
      'journey.bypassed',
      'override.set',
    ])
  })

  test('is not brought back by its events, sent again or new to the log, nor by another replica', async () => {
    const other = await shared.startReplica()
    await send(past)
    await send([usageRecord(ACCOUNT, { agoMs: DAY_MS, userId: 'canary-user' }), usageRecord('marker')])
    await eventually('the log is read', async () => (await statusOf('marker')) === 200)
    expect(await statusOf(ACCOUNT)).toBe(404)
    await shared.test.platform.bus.forget(`default:${ACCOUNT}`)
    expect(await findTexts(shared.test.platform.database, [ACCOUNT])).toEqual([])
    await other.stop()
  })

  test('is found by its columns: no table names an account without its tenant', async () => {
    const tables = await shared.test.platform.database.query(
      `select table_schema, table_name from information_schema.columns where column_name in ('tenant_id', 'account_id')
       group by 1, 2 having bool_or(column_name = 'account_id') and count(*) < 2`,
    )
    expect(tables).toEqual([])
  })

  test('may be erased again, which leaves another audit row; an account that never was is not found', async () => {
    expect((await replica.api.send('DELETE', `/v1/accounts/${ACCOUNT}`)).status).toBe(204)
    expect((await replica.api.send('DELETE', '/v1/accounts/nobody')).status).toBe(404)
    const { items } = await replica.api.get<Page>('/v1/audit')
    expect(items.filter((row) => row.action === 'account.erased')).toHaveLength(2)
  })

  test('begins anew with what happens afterwards: its sequence goes on, and its alerts have ids of their own', async () => {
    const afterwards = [
      usageRecord(ACCOUNT, { userId: 'u-2' }),
      usageRecord(ACCOUNT, { type: 'NPS Responded', userId: 'u-2', properties: { score: 1 } }),
    ]
    await send([...past, ...afterwards])
    await eventually('it is there', async () => (await statusOf(ACCOUNT)) === 200)
    expect(await countEvents(ACCOUNT)).toBe(2)
    type Alert = { alertId: string; episode: number; ruleId: string }
    let alerts: readonly Alert[] = []
    await eventually('it has an alert', async () => {
      alerts = (await replica.alerts.get<Page<Alert>>(`/v1/alerts?accountId=${ACCOUNT}`)).items
      return alerts.some(({ ruleId }) => ruleId === 'detractor_received')
    })
    expect(alerts.find(({ ruleId }) => ruleId === 'detractor_received')?.episode).toBe(2)
    const { items } = await replica.api.get<Page<{ sequence: number }>>(`/v1/accounts/${ACCOUNT}/changes`)
    expect(Math.min(...items.map(({ sequence }) => sequence))).toBeGreaterThan(2)
    expect((await replica.api.send('DELETE', `/v1/accounts/${ACCOUNT}`)).status).toBe(204)
    expect(await findTexts(shared.test.platform.database, [ACCOUNT])).toEqual([])
  })
})

describe('a user who is erased', () => {
  const USER = 'canary-person'
  const TRAIT = 'canary-mail@example.com'
  const others = () => [
    usageRecord('duo', { type: 'group', userId: 'u-1', properties: { plan: 'pro', name: 'Duo' } }),
    usageRecord('duo', { userId: 'u-1', agoMs: DAY_MS }),
    usageRecord('duo', {
      userId: 'u-1',
      properties: { feature: 'reports', core: true, reviewer: USER, seen: ['u-1', USER] },
    }),
    usageRecord('duo', { type: 'Champion Changed', userId: 'u-1', properties: { to: 'u-1', from: USER } }),
  ]
  const own = () => [
    usageRecord('duo', { type: 'identify', userId: USER, properties: { email: TRAIT, plan: 'free' }, agoMs: DAY_MS }),
    usageRecord('duo', { userId: USER }),
    usageRecord('duo', { type: 'NPS Responded', userId: USER, properties: { score: 1 } }),
    usageRecord('duo', { type: 'Champion Changed', userId: 'u-1', properties: { to: USER } }),
  ]
  const kept = others()
  const gone = own()
  const path = `/v1/accounts/duo/users/${USER}`
  type Health = { score: number; groups: unknown; facts: Record<string, unknown> }
  const scoreOf = async (accountId: string) => {
    const { score, groups, facts } = await replica.api.get<Health>(`/v1/accounts/${accountId}/health`)
    return { score, groups, facts: { ...facts, sequence: 0, scoreDelta7d: null, scoreDelta28d: null } }
  }

  test('leaves the account as if their events had never been, in every table', async () => {
    await send([...kept.slice(0, 2), ...gone, ...kept.slice(2), usageRecord('duo-neighbour', { userId: USER })])
    await eventually(
      'both are counted',
      async () =>
        (await statusOf('duo-neighbour')) === 200 &&
        (await statusOf('duo')) === 200 &&
        (await countEvents('duo')) === 8,
    )
    await eventually('alerting has seen the trait', async () => {
      const found = await findTexts(shared.test.platform.database, [TRAIT])
      return ['alerting.account', 'alerting.account_facts'].every((table) => found.includes(table))
    })
    expect((await replica.api.send('DELETE', path)).status).toBe(204)
    // The neighbour has a user of the same name, who stays.
    expect(await countEvents('duo-neighbour')).toBe(1)
    expect((await replica.api.send('DELETE', '/v1/accounts/duo-neighbour')).status).toBe(204)
    expect(await findTexts(shared.test.platform.database, [USER, TRAIT])).toEqual([])
    expect(await countEvents('duo')).toBe(4)

    const sameWithout = kept.map((record) => {
      const body = JSON.parse(
        record.value.toString().replaceAll(`,"reviewer":"${USER}"`, '').replaceAll(`"${USER}"`, 'null'),
      )
      return { ...record, key: 'default:solo', value: Buffer.from(JSON.stringify({ ...body, accountId: 'solo' })) }
    })
    await send(sameWithout)
    await eventually('an account without the user is there', async () => (await statusOf('solo')) === 200)
    expect(await scoreOf('duo')).toEqual(await scoreOf('solo'))
    const states = await shared.test.platform.database.query<{ state: Buffer }>(
      `select state from scoring.account where account_id in ('duo', 'solo')`,
    )
    expect(states[0]!.state.equals(states[1]!.state)).toBe(true)
    const { items } = await replica.api.get<Page<{ accountId: string; traits: unknown }>>('/v1/accounts?q=duo')
    expect(items.map(({ accountId }) => accountId).sort()).toEqual(['duo', 'solo'])
    const changes = await replica.api.get<Page>('/v1/accounts/duo/changes')
    expect(changes.items[0]).toMatchObject({ cause: 'erasure', backfill: true })
    const audit = await replica.api.get<Page>('/v1/audit')
    expect(audit.items.find(({ action }) => action === 'user.erased')).toMatchObject({ subject: 'duo' })
  })

  test('does not come back by their events, while what they do afterwards counts', async () => {
    const late = usageRecord('duo', { userId: USER, agoMs: DAY_MS })
    await send([...gone, ...kept, late, usageRecord('duo', { userId: 'u-3' })])
    await eventually('the new event is counted', async () => (await countEvents('duo')) === 5)
    expect(await findTexts(shared.test.platform.database, [USER, TRAIT])).toEqual(['bus.chunks'])
    expect((await replica.api.send('DELETE', path)).status).toBe(204)
    expect(await findTexts(shared.test.platform.database, [USER, TRAIT])).toEqual([])
    await send([usageRecord('duo', { userId: USER })])
    await eventually('they are back', async () => (await countEvents('duo')) === 6)
    expect((await replica.api.send('DELETE', path)).status).toBe(204)
    expect(await countEvents('duo')).toBe(5)
  })

  test('is not found in an account that has no such user, nor in one that does not exist', async () => {
    expect((await replica.api.send('DELETE', '/v1/accounts/duo/users/nobody')).status).toBe(404)
    expect((await replica.api.send('DELETE', '/v1/accounts/nobody/users/u-1')).status).toBe(404)
  })
})
