import { expect, test } from 'vitest'
import { addEndpoint, enqueueAll, notificationOf } from '../../../tests/support/webhooks/deliveries.ts'
import { deliverySuite } from '../../../tests/support/webhooks/delivery-suite.ts'
import { claimDeliveries } from './claim-store.ts'

const { db, receiver, deliverer, states, once } = deliverySuite()

const many = (count: number) => Array.from({ length: count }, (_, index) => index)
const NO_ROOM_TAKEN = new Map<string, number>()

test('40 dead endpoints of one tenant with thousands of deliveries do not delay another tenant', async () => {
  const dead = await Promise.all(many(8).map(() => receiver(() => 'hang')))
  for (const index of many(40)) {
    const { url } = dead[index % dead.length]!
    await addEndpoint(db(), index < 30 ? `${url}/${index}` : `http://127.0.0.1:${index}/`, { tenantId: 'greedy' })
  }
  const good = await receiver()
  await addEndpoint(db(), good.url, { tenantId: 'modest' })
  await enqueueAll(
    db(),
    many(100).map((index) => notificationOf(`greedy ${index}`, { tenantId: 'greedy' })),
  )
  await deliverer({ schedule: [0, 60_000] })
  await once(() => expect(dead.reduce((sum, { hanging }) => sum + hanging(), 0)).toBeGreaterThan(80))
  for (const index of many(5)) {
    const startedAt = performance.now()
    await enqueueAll(db(), [notificationOf(`modest ${index}`, { tenantId: 'modest' })])
    await once(() => expect(good.received).toHaveLength(index + 1))
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  }
  for (const { stop } of dead) await stop()
})

test('calls at once to one host are bounded, whatever the number of endpoints and tenants there', async () => {
  const host = await receiver(() => 'hang')
  const tenants = ['a', 'b', 'c', 'd']
  for (const tenantId of tenants)
    for (const index of many(20))
      await addEndpoint(db(), `${new URL(host.url).origin}/${tenantId}/${index}`, { tenantId })
  await enqueueAll(
    db(),
    tenants.flatMap((tenantId) => many(8).map((index) => notificationOf(`${tenantId} ${index}`, { tenantId }))),
  )
  await deliverer({ maxPerEndpoint: 8 })
  await once(() => expect(host.hanging()).toBeGreaterThanOrEqual(12))
  // Many more are claimed: a call would have come by now.
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(host.hanging()).toBeLessThanOrEqual(16)
  const callsOf = (tenantId: string) => host.received.filter(({ path }) => path!.startsWith(`/${tenantId}/`)).length
  for (const tenantId of tenants) expect(callsOf(tenantId)).toBeGreaterThan(0)
  await host.stop()
})

test('a claim gives one tenant no more than its share, and another its own', async () => {
  for (const index of many(10)) await addEndpoint(db(), `http://127.0.0.1:1/${index}`, { tenantId: 'greedy' })
  await addEndpoint(db(), 'http://127.0.0.1:2/', { tenantId: 'modest' })
  const names = ['greedy', 'modest'].flatMap((tenantId) => many(10).map((index) => ({ tenantId, index })))
  await enqueueAll(
    db(),
    names.map(({ tenantId, index }) => notificationOf(`${tenantId} ${index}`, { tenantId })),
  )
  const claimed = await claimDeliveries(db(), {
    token: '01890000-0000-7000-8000-000000000001',
    now: Date.now(),
    leaseMs: 1_000,
    room: NO_ROOM_TAKEN,
    defaultRoom: 4,
    tenants: { of: new Map([['greedy', 6]]), others: 20 },
    hosts: { of: NO_ROOM_TAKEN, others: 50 },
    limit: 100,
  })
  const of = (tenant: string) => claimed.filter(({ tenantId }) => tenantId === tenant).length
  expect([of('greedy'), of('modest')]).toEqual([6, 4])
})

test('nothing is sent for a tenant that is suspended, and all of it once the tenant is active again', async () => {
  const hook = await receiver()
  await addEndpoint(db(), hook.url, { tenantId: 'paused' })
  await db().query("insert into access.tenant (id, name, state) values ('paused', 'Paused', 'suspended')")
  await enqueueAll(db(), [notificationOf('held', { tenantId: 'paused' })])
  await enqueueAll(db(), [notificationOf('other')])
  const other = await receiver()
  await addEndpoint(db(), other.url)
  await enqueueAll(db(), [notificationOf('another')])
  const running = await deliverer()
  await once(() => expect(other.received).toHaveLength(1))
  expect(hook.received).toEqual([])
  await db().query("update access.tenant set state = 'active' where id = 'paused'")
  running.wake()
  await once(async () => expect(await states()).toEqual({ delivered: 2 }))
})
