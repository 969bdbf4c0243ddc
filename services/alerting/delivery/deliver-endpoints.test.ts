import { expect, test } from 'vitest'
import { DAY_MS, HOUR_MS } from '#libs/runtime/durations.ts'
import { createManualClock } from '../../../tests/support/manual-clock.ts'
import { addEndpoint, enqueueAll, notificationOf, TENANT } from '../../../tests/support/webhooks/deliveries.ts'
import { deliverySuite } from '../../../tests/support/webhooks/delivery-suite.ts'
import { findEndpoint } from '../endpoints/endpoint-store.ts'

const { db, receiver, deliverer, loggedOf, states, once } = deliverySuite()

test('410 disables the endpoint, notifies the others, and ends its pending deliveries', async () => {
  const gone = await receiver(() => ({ status: 410 }))
  const other = await receiver()
  const { endpointId } = await addEndpoint(db(), gone.url, { eventTypes: ['alert.firing'] })
  await addEndpoint(db(), other.url, { eventTypes: ['endpoint.disabled'] })
  await deliverer()
  await enqueueAll(db(), [notificationOf('a')])
  await once(async () => {
    const endpoint = await findEndpoint(db(), TENANT, endpointId)
    expect(endpoint).toMatchObject({ state: 'disabled', stateReason: 'gone' })
  })
  expect((await loggedOf('a', endpointId)).reason).toBe('endpoint_gone')
  await once(() => expect(other.received).toHaveLength(1))
  expect(JSON.parse(other.received[0]!.body)).toMatchObject({
    type: 'endpoint.disabled',
    data: { endpointId, reason: 'gone' },
  })
  expect(await enqueueAll(db(), [notificationOf('later')])).toBe(0)
})

test('429 with Retry-After makes the whole endpoint wait', async () => {
  const clock = createManualClock(Date.parse('2026-11-22T10:00:00Z'))
  let busy = true
  const hook = await receiver(() => (busy ? { status: 429, headers: { 'retry-after': '60' } } : { status: 200 }))
  await addEndpoint(db(), hook.url)
  const running = await deliverer({ clock, schedule: [0, 10, 10], maxPerEndpoint: 1 })
  await enqueueAll(db(), [notificationOf('one', { at: clock.now() })])
  await once(async () =>
    expect((await db().query('select from alerting.webhook_endpoint where paused_until is not null')).length).toBe(1),
  )
  busy = false
  const other = await receiver()
  await addEndpoint(db(), other.url)
  clock.advance(59_000)
  await enqueueAll(db(), [notificationOf('two', { at: clock.now() })])
  running.wake()
  // Whatever takes the other's takes this one's with it, unless it waits.
  await once(async () => expect(await states()).toEqual({ delivered: 1, pending: 2 }))
  expect(await db().query('select from alerting.delivery where lease_token is not null')).toEqual([])
  expect(hook.received).toHaveLength(1)
  clock.advance(2_000)
  await once(async () => expect(await states()).toEqual({ delivered: 3 }))
})

test('claimed deliveries of a paused endpoint wait too, and delay no other endpoint', async () => {
  const clock = createManualClock(Date.parse('2026-11-22T10:00:00Z'))
  let busy = true
  const hook = await receiver(() => (busy ? { status: 504, headers: { 'retry-after': '60' } } : { status: 200 }))
  await addEndpoint(db(), hook.url)
  const running = await deliverer({ clock, schedule: [0, 10, 10], maxPerEndpoint: 4 })
  await enqueueAll(
    db(),
    Array.from({ length: 50 }, (_, index) => notificationOf(index, { at: clock.now() })),
  )
  await once(async () => {
    const claimed = await db().query('select from alerting.delivery where lease_token is not null')
    const tried = await db().query('select from alerting.delivery where attempt_count > 0')
    expect([claimed.length, tried.length]).toEqual([0, 4])
  })
  clock.advance(59_000)
  running.wake()
  expect(hook.received).toHaveLength(4)
  busy = false
  clock.advance(2_000)
  await once(async () => {
    running.wake()
    expect(await states()).toEqual({ delivered: 50 })
  })
})

test('an endpoint that only fails for 5 days is disabled; one success in between starts the days anew', async () => {
  const clock = createManualClock(Date.parse('2026-11-01T00:00:00Z'))
  let status = 500
  const hook = await receiver(() => ({ status }))
  const { endpointId } = await addEndpoint(db(), hook.url)
  const running = await deliverer({ clock, schedule: [0] })
  const sendOne = async (name: string): Promise<void> => {
    const calls = hook.received.length
    await enqueueAll(db(), [notificationOf(name, { at: clock.now() })])
    running.wake()
    await once(async () => {
      expect(hook.received.length).toBe(calls + 1)
      expect((await states()).pending).toBeUndefined()
    })
  }
  const stateNow = async () => (await findEndpoint(db(), TENANT, endpointId))!.state
  await sendOne('day 0')
  clock.advance(3 * DAY_MS)
  status = 200
  await sendOne('day 3')
  status = 500
  await sendOne('day 3, failing again')
  clock.advance(4 * DAY_MS)
  await sendOne('day 7')
  expect(await stateNow()).toBe('enabled')
  clock.advance(DAY_MS + HOUR_MS)
  await sendOne('day 8')
  await once(async () => expect(await stateNow()).toBe('disabled'))
})

test('an endpoint that hangs does not delay the others', async () => {
  const slow = await receiver(() => 'hang')
  const quick = await receiver()
  const { endpointId: slowId } = await addEndpoint(db(), slow.url, { eventTypes: ['health.changed'] })
  await addEndpoint(db(), quick.url, { eventTypes: ['alert.firing'] })
  const clock = createManualClock(Date.now() + 1_000)
  const running = await deliverer({ clock })
  const hundred = Array.from({ length: 100 }, (_, index) => index)
  await enqueueAll(
    db(),
    hundred.map((index) => notificationOf(`slow ${index}`, { type: 'health.changed' })),
  )
  await once(() => expect(slow.hanging()).toBeGreaterThan(0))
  await enqueueAll(
    db(),
    hundred.map((index) => notificationOf(`quick ${index}`)),
  )
  await once(async () => expect((await states()).delivered).toBe(100))
  expect(slow.hanging()).toBeLessThanOrEqual(4)
  // The 15 s of the call pass: the attempt is a time-out.
  clock.advance(15_000)
  running.wake()
  await once(async () => {
    const [row] = await db().query<{ attempts: { outcome: string }[] }>(
      'select attempts from alerting.delivery where endpoint_id = $1 and attempt_count > 0 limit 1',
      [slowId],
    )
    expect(row?.attempts[0]?.outcome).toBe('timeout')
  })
  await slow.stop()
})
