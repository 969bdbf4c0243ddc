import { expect, test } from 'vitest'
import { derivedId } from '#libs/runtime/ids.ts'
import { addEndpoint, enqueueAll, notificationOf, TENANT } from '../../../tests/support/webhooks/deliveries.ts'
import { deliverySuite } from '../../../tests/support/webhooks/delivery-suite.ts'
import { setEndpointState } from '../endpoints/endpoint-store.ts'
import { endOrphans, removeOldDeliveries } from './retention-store.ts'

const { db, states, loggedOf } = deliverySuite()
const count = async (table: string): Promise<number> =>
  (await db().query<{ count: number }>(`select count(*) as count from alerting.${table}`))[0]!.count

test('old finished deliveries and their messages are removed in chunks; pending ones stay', async () => {
  await addEndpoint(db(), 'https://example.com/a')
  const { endpointId } = await addEndpoint(db(), 'https://example.com/b')
  await enqueueAll(
    db(),
    Array.from({ length: 30 }, (_, index) => notificationOf(index, { at: 1_000 + index })),
  )
  await db().query("update alerting.delivery set state = 'delivered' where type = 'alert.firing'")
  const waiting = derivedId(notificationOf(0).notificationId, endpointId)
  await db().query("update alerting.delivery set state = 'pending' where delivery_id = $1", [waiting])
  await enqueueAll(db(), [notificationOf('young')])
  await db().query("update alerting.delivery set state = 'exhausted' where created_at > to_timestamp(100)")
  const chunks: number[] = []
  for (let gone = -1; gone !== 0; chunks.push(gone)) gone = await removeOldDeliveries(db(), 50_000, 25)
  expect(chunks).toEqual([25, 25, 9, 0])
  expect(await states()).toEqual({ pending: 1, exhausted: 2 })
  expect(await count('webhook_message')).toBe(2)
})

test('pending deliveries of a deleted endpoint end with that reason, and an attempt under way goes on', async () => {
  const { endpointId } = await addEndpoint(db(), 'https://example.com/a')
  await enqueueAll(db(), [notificationOf('waiting', { at: 1_000 }), notificationOf('under way', { at: 1_000 })])
  await db().query('update alerting.delivery set leased_until = to_timestamp(60) where delivery_id = $1', [
    derivedId(notificationOf('under way').notificationId, endpointId),
  ])
  expect(await endOrphans(db(), 2_000, 100)).toBe(0)
  await setEndpointState(db(), TENANT, endpointId, { state: 'deleted', reason: 'by_request', now: 2_000 })
  expect(await endOrphans(db(), 2_000, 100)).toBe(1)
  expect(await loggedOf('waiting', endpointId)).toMatchObject({ state: 'exhausted', reason: 'endpoint_deleted' })
  expect((await loggedOf('under way', endpointId)).state).toBe('pending')
  expect(await endOrphans(db(), 61_000, 100)).toBe(1)
  expect(await removeOldDeliveries(db(), 5_000, 100)).toBe(2)
  expect(await count('webhook_endpoint')).toBe(0)
})
