import { expect, test } from 'vitest'
import { toInstant } from '#libs/runtime/clock.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import { createManualClock } from '../../../tests/support/manual-clock.ts'
import { addEndpoint, enqueueAll, notificationOf, TENANT } from '../../../tests/support/webhooks/deliveries.ts'
import { deliverySuite } from '../../../tests/support/webhooks/delivery-suite.ts'
import type { Reply } from '../../../tests/support/webhooks/webhook-receiver.ts'
import { saveAttempts } from './attempt-store.ts'
import { claimDeliveries } from './claim-store.ts'
import { replayDelivery } from './delivery-log-store.ts'

const { db, receiver, deliverer, loggedOf, states, once } = deliverySuite()

test('a notification reaches the endpoint signed, with its stored bytes, and its attempt is in the log', async () => {
  const hook = await receiver(() => ({ status: 200, body: 'thanks' }))
  const { endpointId, secret } = await addEndpoint(db(), hook.url)
  hook.setSecret(secret)
  await deliverer()
  await enqueueAll(db(), [notificationOf('first')])
  await once(async () => expect((await loggedOf('first', endpointId)).state).toBe('delivered'))
  const logged = await loggedOf('first', endpointId)
  expect(hook.received).toMatchObject([{ id: logged.deliveryId, body: logged.body, verified: true }])
  expect(logged.attempts).toMatchObject([{ attempt: 1, outcome: 'delivered', status: 200, answer: 'thanks' }])
})

test('the first try follows the commit within milliseconds, without waiting for the poll', async () => {
  const hook = await receiver()
  await addEndpoint(db(), hook.url)
  // Its poll never comes: this clock stands still.
  await deliverer({ clock: createManualClock(Date.now()) })
  const startedAt = performance.now()
  await enqueueAll(db(), [notificationOf('quick')])
  await once(() => expect(hook.received.length).toBeGreaterThan(0))
  expect(performance.now() - startedAt).toBeLessThan(500)
})

test('a notification that is enqueued twice is one delivery', async () => {
  const hook = await receiver()
  const { endpointId } = await addEndpoint(db(), hook.url)
  expect(await enqueueAll(db(), [notificationOf('twice'), notificationOf('other')])).toBe(2)
  expect(await enqueueAll(db(), [notificationOf('twice')])).toBe(0)
  await deliverer()
  await once(async () => expect(await states()).toEqual({ delivered: 2 }))
  expect(
    hook.received.filter(({ id }) => id === derivedId(notificationOf('twice').notificationId, endpointId)),
  ).toHaveLength(1)
})

test('nothing is enqueued when the transaction of the notification is rolled back', async () => {
  const hook = await receiver()
  await addEndpoint(db(), hook.url)
  const work = db().transaction(async (tx) => {
    const { enqueueNotifications } = await import('../notifications/enqueue-deliveries.ts')
    await enqueueNotifications(tx, [notificationOf('undone')])
    throw new Error('undone')
  })
  await expect(work).rejects.toThrow('undone')
  expect(await states()).toEqual({})
})

test('every attempt has the same id and bytes, and an exhausted delivery has a reason', async () => {
  const hook = await receiver(() => ({ status: 500, body: 'no' }))
  const { endpointId, secret } = await addEndpoint(db(), hook.url)
  hook.setSecret(secret)
  const running = await deliverer()
  await enqueueAll(db(), [notificationOf('doomed')])
  await once(async () => {
    running.wake()
    expect((await loggedOf('doomed', endpointId)).state).toBe('exhausted')
  })
  const logged = await loggedOf('doomed', endpointId)
  expect(logged).toMatchObject({ reason: 'status_500', attemptCount: 3 })
  expect(new Set(hook.received.map(({ id, body }) => `${id} ${body}`)).size).toBe(1)
  expect(hook.received.map(({ verified }) => verified)).toEqual([true, true, true])
})

test('an exhausted delivery is replayed with the same id and bytes', async () => {
  let healthy = false
  const hook = await receiver(() => ({ status: healthy ? 204 : 500 }))
  const { endpointId } = await addEndpoint(db(), hook.url)
  const running = await deliverer({ schedule: [0] })
  await enqueueAll(db(), [notificationOf('again')])
  await once(async () => expect((await loggedOf('again', endpointId)).state).toBe('exhausted'))
  healthy = true
  await db().transaction(async (tx) => {
    await replayDelivery(tx, TENANT, derivedId(notificationOf('again').notificationId, endpointId), Date.now())
  })
  running.wake()
  await once(async () => expect((await loggedOf('again', endpointId)).state).toBe('delivered'))
  expect((await loggedOf('again', endpointId)).attempts.map(({ attempt }) => attempt)).toEqual([1, 2])
  expect(hook.received[0]!.body).toBe(hook.received[1]!.body)
  expect(hook.received[0]!.id).toBe(hook.received[1]!.id)
})

test('a redirect is a failure and is not followed', async () => {
  const other = await receiver()
  const hook = await receiver(() => ({ status: 307, headers: { location: other.url } }))
  const { endpointId } = await addEndpoint(db(), hook.url)
  await deliverer({ schedule: [0] })
  await enqueueAll(db(), [notificationOf('moved')])
  await once(async () => expect((await loggedOf('moved', endpointId)).reason).toBe('redirect_307'))
  expect(other.received).toHaveLength(0)
})

test('replicas that race deliver each notification once', async () => {
  const hook = await receiver()
  const { secret } = await addEndpoint(db(), hook.url)
  hook.setSecret(secret)
  await Promise.all([deliverer(), deliverer(), deliverer()])
  const notifications = Array.from({ length: 600 }, (_, index) => notificationOf(`race ${index}`))
  await Promise.all([0, 200, 400].map((from) => enqueueAll(db(), notifications.slice(from, from + 200))))
  await once(async () => expect(await states()).toEqual({ delivered: 600 }))
  expect(hook.received).toHaveLength(600)
  expect(hook.received.every(({ verified }) => verified)).toBe(true)
})

test('an expired lease frees the delivery, and its former holder can save nothing', async () => {
  const hook = await receiver()
  const { endpointId } = await addEndpoint(db(), hook.url)
  await enqueueAll(db(), [notificationOf('dropped', { at: 1_000 })])
  const shares = { of: new Map<string, number>(), others: 10 }
  const request = {
    leaseMs: 60_000,
    room: new Map<string, number>(),
    defaultRoom: 10,
    tenants: shares,
    hosts: shares,
    limit: 10,
  }
  const token = '01890000-0000-7000-8000-000000000001'
  const claimed = await claimDeliveries(db(), { ...request, token, now: 2_000 })
  expect(claimed).toHaveLength(1)
  const other = '01890000-0000-7000-8000-000000000002'
  expect(await claimDeliveries(db(), { ...request, token: other, now: 61_999 })).toHaveLength(0)
  expect(await claimDeliveries(db(), { ...request, token: other, now: 62_000 })).toHaveLength(1)
  const recordBy = (holder: string) =>
    saveAttempts(db(), [
      {
        deliveryId: claimed[0]!.deliveryId,
        token: holder,
        state: 'delivered',
        reason: null,
        nextAttemptAt: null,
        at: 62_001,
        attempt: { at: toInstant(62_000), outcome: 'delivered', status: 200, latencyMs: 1, answer: '' },
      },
    ])
  expect(await recordBy(token)).toBe(0)
  expect((await loggedOf('dropped', endpointId)).state).toBe('pending')
  expect(await recordBy(other)).toBe(1)
  expect((await loggedOf('dropped', endpointId)).state).toBe('delivered')
})

test('a receiver that fails 30 % of the time and throttles gets every id, with the same bytes each time', async () => {
  const draw = (count: number): Reply =>
    count % 10 < 3
      ? { status: 500 }
      : count % 10 === 3
        ? { status: 429, headers: { 'retry-after': '0' } }
        : { status: 200 }
  const hook = await receiver((_, count) => draw(count))
  const { secret } = await addEndpoint(db(), hook.url)
  hook.setSecret(secret)
  const clock = createManualClock(Date.now() + 1_000)
  await deliverer({ clock, schedule: Array.from({ length: 30 }, () => 10) })
  await enqueueAll(
    db(),
    Array.from({ length: 300 }, (_, index) => notificationOf(`rough ${index}`)),
  )
  await once(async () => {
    clock.advance(1_000)
    expect(await states()).toEqual({ delivered: 300 })
  })
  const bodies = Map.groupBy(hook.received, ({ id }) => id)
  expect(bodies.size).toBe(300)
  for (const calls of bodies.values()) expect(new Set(calls.map(({ body }) => body)).size).toBe(1)
  expect(hook.received.every(({ verified }) => verified)).toBe(true)
})
