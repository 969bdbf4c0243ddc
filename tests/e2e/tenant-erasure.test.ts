import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '#libs/runtime/clock.ts'
import { eventually } from '../support/eventually.ts'
import { findTexts } from '../support/find-text.ts'
import { usageRecord } from '../support/scoring/scorer.ts'
import { createShared, type Replica, type Shared } from '../support/scoring/scoring-and-alerting.ts'

const TENANT = 'canary-tenant'

let shared: Shared
let replica: Replica

/** The same account ids in both tenants, so that they share partitions and frames. */
const records = (tenantId: string, accountIds: readonly string[]) =>
  accountIds.flatMap((accountId) => [
    usageRecord(accountId, { tenantId }),
    usageRecord(accountId, { tenantId, type: 'identify', properties: { name: `name-of-${tenantId}`, ownerId: 'o' } }),
    usageRecord(accountId, { tenantId, type: 'NPS Responded', properties: { score: 2 } }),
  ])
const ACCOUNTS = ['acme', 'bolt', 'core']

beforeAll(async () => {
  shared = await createShared(systemClock)
  replica = await shared.startReplica()
  const { database } = shared.test.platform
  await database.query(
    `insert into access.tenant (id, name) values ($1, 'name-of-it')
    on conflict do nothing`,
    [TENANT],
  )
  await database.query(
    `insert into alerting.webhook_endpoint (tenant_id, endpoint_id, kind, url, event_types, filter, state, state_at, created_at)
     select t, gen_random_uuid(), 'standard', 'https://127.0.0.1:1/', '{}', '{}', 'enabled', now(), now()
     from unnest(array['default', $1]) as t`,
    [TENANT],
  )
  await shared.test.platform.bus.publish('usage.events', [
    ...records(TENANT, ACCOUNTS),
    ...records('default', ACCOUNTS),
  ])
})
afterAll(() => shared?.stop())

const countOf = async (tenantId: string): Promise<number> => {
  const [row] = await shared.test.platform.database.query<{ n: number }>(
    'select count(*) as n from alerting.delivery where tenant_id = $1',
    [tenantId],
  )
  return row!.n
}

test('a deleted tenant is erased from every table and from the log, and the others keep all they have', async () => {
  const { database } = shared.test.platform
  await eventually('both have deliveries', async () => (await countOf(TENANT)) > 0 && (await countOf('default')) > 0)
  const found = await findTexts(database, [TENANT])
  expect(found).toEqual(
    expect.arrayContaining([
      'alerting.account',
      'alerting.delivery',
      'alerting.webhook_message',
      'bus.chunks',
      'scoring.account',
      'scoring.log_frame',
    ]),
  )
  const before = await replica.api.get<{ items: unknown[] }>('/v1/accounts/acme/events')
  await database.query(
    `update access.tenant set state = 'deleted', state_at = now() - interval '1 minute' where id = $1`,
    [TENANT],
  )
  await eventually(
    'it is erased',
    async () => (await database.query('select 1 from access.tenant where erased_at is not null')).length === 1,
    30_000,
  )
  await eventually('nothing of it is left', async () => {
    const left = await findTexts(database, [TENANT, `name-of-${TENANT}`])
    return left.join() === 'access.tenant'
  })
  expect(await replica.api.get('/v1/accounts/acme/events')).toEqual(before)
  expect(await countOf('default')).toBeGreaterThan(0)
})
