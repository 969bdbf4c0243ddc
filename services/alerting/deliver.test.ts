import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { toInstant } from '#libs/runtime/clock.ts'
import { DAY_MS, HOUR_MS } from '#libs/runtime/durations.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import { createManualClock } from '#libs/runtime/manual-clock.ts'
import { createAlertingDatabase, type TestDatabase } from '../../tests/support/alerting-database.ts'
import { addEndpoint, enqueueAll, noticeOf, startDeliverer, TENANT } from '../../tests/support/deliveries.ts'
import { type Reply, startWebhookReceiver, type WebhookReceiver } from '../../tests/support/webhook-receiver.ts'
import { claimDeliveries } from './claim-store.ts'
import { DEFAULT_SCHEDULE } from './core/delivery-schedule.ts'
import type { Deliverer } from './deliver.ts'
import { findDelivery, type LoggedDelivery, replayDelivery } from './delivery-log-store.ts'
import { findEndpoint } from './endpoint-store.ts'
import { recordAttempts } from './record-store.ts'

let testDatabase: TestDatabase
const stops: (() => Promise<void>)[] = []

beforeAll(async () => {
  testDatabase = await createAlertingDatabase()
})
afterAll(() => testDatabase.drop())
beforeEach(async () => {
  await testDatabase.database.query(
    'truncate alerting.delivery, alerting.webhook_message, alerting.webhook_endpoint cascade',
  )
})
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

const receiver = async (reply?: Parameters<typeof startWebhookReceiver>[0]): Promise<WebhookReceiver> => {
  const started = await startWebhookReceiver(reply)
  stops.push(started.stop)
  return started
}

const deliverer = async (deps: Partial<Parameters<typeof startDeliverer>[0]> = {}): Promise<Deliverer> => {
  const started = await startDeliverer({ database: testDatabase.database, ...deps })
  stops.push(started.stop)
  return started
}

const loggedOf = async (name: string, endpointId: string): Promise<LoggedDelivery & { body: string }> =>
  (await findDelivery(testDatabase.database, TENANT, derivedId(noticeOf(name).noticeId, endpointId)))!

const states = async (): Promise<Record<string, number>> =>
  Object.fromEntries(
    (
      await testDatabase.database.query<{ state: string; count: number }>(
        'select state, count(*) as count from alerting.delivery group by state',
      )
    ).map(({ state, count }) => [state, count]),
  )

const once = (assertion: () => unknown) => vi.waitFor(assertion, { timeout: 10_000, interval: 10 })

test('a notice reaches the endpoint signed, with its stored bytes, and the try is in the log', async () => {
  const hook = await receiver(() => ({ status: 200, body: 'thanks' }))
  const { endpointId, secret } = await addEndpoint(testDatabase.database, hook.url)
  hook.setSecret(secret)
  await deliverer()
  await enqueueAll(testDatabase.database, [noticeOf('first')])
  await once(async () => expect((await loggedOf('first', endpointId)).state).toBe('delivered'))
  const logged = await loggedOf('first', endpointId)
  expect(hook.received).toMatchObject([{ id: logged.deliveryId, body: logged.body, verified: true }])
  expect(logged.attempts).toMatchObject([{ attempt: 1, outcome: 'delivered', status: 200, answer: 'thanks' }])
})

test('the first try follows the commit within milliseconds, without waiting for the poll', async () => {
  const hook = await receiver()
  await addEndpoint(testDatabase.database, hook.url)
  // Its poll never comes: this clock stands still.
  await deliverer({ clock: createManualClock(Date.now()) })
  const startedAt = performance.now()
  await enqueueAll(testDatabase.database, [noticeOf('quick')])
  await once(() => expect(hook.received.length).toBeGreaterThan(0))
  expect(performance.now() - startedAt).toBeLessThan(500)
})

test('the same notice enqueued twice is one delivery', async () => {
  const hook = await receiver()
  const { endpointId } = await addEndpoint(testDatabase.database, hook.url)
  expect(await enqueueAll(testDatabase.database, [noticeOf('twice'), noticeOf('other')])).toBe(2)
  expect(await enqueueAll(testDatabase.database, [noticeOf('twice')])).toBe(0)
  await deliverer()
  await once(async () => expect(await states()).toEqual({ delivered: 2 }))
  expect(hook.received.filter(({ id }) => id === derivedId(noticeOf('twice').noticeId, endpointId))).toHaveLength(1)
})

test('nothing is enqueued when the transaction that told it is rolled back', async () => {
  const hook = await receiver()
  await addEndpoint(testDatabase.database, hook.url)
  const work = testDatabase.database.transaction(async (tx) => {
    const { enqueueNotices } = await import('./delivery-store.ts')
    await enqueueNotices(tx, [noticeOf('undone')])
    throw new Error('undone')
  })
  await expect(work).rejects.toThrow('undone')
  expect(await states()).toEqual({})
})

test('every try has the same id and bytes, and the end of the schedule is told with its reason', async () => {
  const hook = await receiver(() => ({ status: 500, body: 'no' }))
  const { endpointId, secret } = await addEndpoint(testDatabase.database, hook.url)
  hook.setSecret(secret)
  const running = await deliverer()
  await enqueueAll(testDatabase.database, [noticeOf('doomed')])
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
  const { endpointId } = await addEndpoint(testDatabase.database, hook.url)
  const running = await deliverer({ schedule: [0] })
  await enqueueAll(testDatabase.database, [noticeOf('again')])
  await once(async () => expect((await loggedOf('again', endpointId)).state).toBe('exhausted'))
  healthy = true
  await testDatabase.database.transaction(async (tx) => {
    await replayDelivery(tx, TENANT, derivedId(noticeOf('again').noticeId, endpointId), Date.now())
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
  const { endpointId } = await addEndpoint(testDatabase.database, hook.url)
  await deliverer({ schedule: [0] })
  await enqueueAll(testDatabase.database, [noticeOf('moved')])
  await once(async () => expect((await loggedOf('moved', endpointId)).reason).toBe('redirect_307'))
  expect(other.received).toHaveLength(0)
})

test('410 disables the endpoint, tells the others, and ends what waits for it', async () => {
  const gone = await receiver(() => ({ status: 410 }))
  const other = await receiver()
  const { endpointId } = await addEndpoint(testDatabase.database, gone.url, { eventTypes: ['alert.firing'] })
  await addEndpoint(testDatabase.database, other.url, { eventTypes: ['endpoint.disabled'] })
  await deliverer()
  await enqueueAll(testDatabase.database, [noticeOf('a')])
  await once(async () => {
    const endpoint = await findEndpoint(testDatabase.database, TENANT, endpointId)
    expect(endpoint).toMatchObject({ state: 'disabled', stateReason: 'gone' })
  })
  expect((await loggedOf('a', endpointId)).reason).toBe('endpoint_gone')
  await once(() => expect(other.received).toHaveLength(1))
  expect(JSON.parse(other.received[0]!.body)).toMatchObject({
    type: 'endpoint.disabled',
    data: { endpointId, reason: 'gone' },
  })
  expect(await enqueueAll(testDatabase.database, [noticeOf('later')])).toBe(0)
})

test('429 with Retry-After makes the whole endpoint wait', async () => {
  const clock = createManualClock(Date.parse('2026-11-22T10:00:00Z'))
  let busy = true
  const hook = await receiver(() => (busy ? { status: 429, headers: { 'retry-after': '60' } } : { status: 200 }))
  await addEndpoint(testDatabase.database, hook.url)
  const running = await deliverer({ clock, schedule: [0, 10, 10], maxPerEndpoint: 1 })
  await enqueueAll(testDatabase.database, [noticeOf('one', { at: clock.now() })])
  await once(async () =>
    expect(
      (await testDatabase.database.query('select from alerting.webhook_endpoint where paused_until is not null'))
        .length,
    ).toBe(1),
  )
  busy = false
  await enqueueAll(testDatabase.database, [noticeOf('two', { at: clock.now() })])
  clock.advance(59_000)
  running.wake()
  await once(async () => expect(await states()).toEqual({ pending: 2 }))
  expect(hook.received).toHaveLength(1)
  clock.advance(2_000)
  await once(async () => expect(await states()).toEqual({ delivered: 2 }))
})

test('an endpoint that only fails for 5 days is disabled; one success in between starts the days anew', async () => {
  const clock = createManualClock(Date.parse('2026-11-01T00:00:00Z'))
  let status = 500
  const hook = await receiver(() => ({ status }))
  const { endpointId } = await addEndpoint(testDatabase.database, hook.url)
  const running = await deliverer({ clock, schedule: [0] })
  const sendOne = async (name: string): Promise<void> => {
    const calls = hook.received.length
    await enqueueAll(testDatabase.database, [noticeOf(name, { at: clock.now() })])
    running.wake()
    await once(async () => {
      expect(hook.received.length).toBe(calls + 1)
      expect((await states()).pending).toBeUndefined()
    })
  }
  const stateNow = async () => (await findEndpoint(testDatabase.database, TENANT, endpointId))!.state
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

test('a receiver that is down for 3 days gets everything by the schedule', async () => {
  const startedAt = Date.parse('2026-11-01T00:00:00Z')
  const clock = createManualClock(startedAt)
  const upAt = startedAt + 3 * DAY_MS
  const triedAt: number[] = []
  const hook = await receiver(() => {
    triedAt.push(clock.now())
    return { status: clock.now() >= upAt ? 200 : 503 }
  })
  const { endpointId } = await addEndpoint(testDatabase.database, hook.url)
  await deliverer({ clock, schedule: DEFAULT_SCHEDULE })
  await enqueueAll(testDatabase.database, [noticeOf('patient', { at: startedAt })])
  for (const [index, delayMs] of DEFAULT_SCHEDULE.entries()) {
    if (delayMs > 0) clock.advance(delayMs + 1_000)
    await once(() => expect(triedAt).toHaveLength(index + 1))
    await once(async () => expect((await loggedOf('patient', endpointId)).attemptCount).toBe(index + 1))
  }
  expect((await loggedOf('patient', endpointId)).state).toBe('delivered')
})

test('an endpoint that hangs does not delay the others', async () => {
  const slow = await receiver(() => 'hang')
  const quick = await receiver()
  const { endpointId: slowId } = await addEndpoint(testDatabase.database, slow.url, { eventTypes: ['health.changed'] })
  await addEndpoint(testDatabase.database, quick.url, { eventTypes: ['alert.firing'] })
  const clock = createManualClock(Date.now() + 1_000)
  const running = await deliverer({ clock })
  const hundred = Array.from({ length: 100 }, (_, index) => index)
  await enqueueAll(
    testDatabase.database,
    hundred.map((index) => noticeOf(`slow ${index}`, { type: 'health.changed' })),
  )
  await once(() => expect(slow.hanging()).toBeGreaterThan(0))
  await enqueueAll(
    testDatabase.database,
    hundred.map((index) => noticeOf(`quick ${index}`)),
  )
  await once(async () => expect((await states()).delivered).toBe(100))
  expect(slow.hanging()).toBeLessThanOrEqual(16)
  // The call's whole 15 s pass: a time-out, told as such.
  clock.advance(15_000)
  running.wake()
  await once(async () => {
    const [row] = await testDatabase.database.query<{ attempts: { outcome: string }[] }>(
      'select attempts from alerting.delivery where endpoint_id = $1 and attempt_count > 0 limit 1',
      [slowId],
    )
    expect(row?.attempts[0]?.outcome).toBe('timeout')
  })
  await slow.stop()
})

test('replicas that race deliver each notice once', async () => {
  const hook = await receiver()
  const { secret } = await addEndpoint(testDatabase.database, hook.url)
  hook.setSecret(secret)
  await Promise.all([deliverer(), deliverer(), deliverer()])
  const notices = Array.from({ length: 600 }, (_, index) => noticeOf(`race ${index}`))
  await Promise.all([0, 200, 400].map((from) => enqueueAll(testDatabase.database, notices.slice(from, from + 200))))
  await once(async () => expect(await states()).toEqual({ delivered: 600 }))
  expect(hook.received).toHaveLength(600)
  expect(hook.received.every(({ verified }) => verified)).toBe(true)
})

test('a lease that runs out frees the delivery, and its former holder can record nothing', async () => {
  const hook = await receiver()
  const { endpointId } = await addEndpoint(testDatabase.database, hook.url)
  await enqueueAll(testDatabase.database, [noticeOf('dropped', { at: 1_000 })])
  const request = { leaseMs: 60_000, free: new Map<string, number>(), perEndpoint: 10, limit: 10 }
  const token = '01890000-0000-7000-8000-000000000001'
  const claimed = await claimDeliveries(testDatabase.database, { ...request, token, now: 2_000 })
  expect(claimed).toHaveLength(1)
  const other = '01890000-0000-7000-8000-000000000002'
  expect(await claimDeliveries(testDatabase.database, { ...request, token: other, now: 61_999 })).toHaveLength(0)
  expect(await claimDeliveries(testDatabase.database, { ...request, token: other, now: 62_000 })).toHaveLength(1)
  const recordBy = (holder: string) =>
    recordAttempts(testDatabase.database, [
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
  const { secret } = await addEndpoint(testDatabase.database, hook.url)
  hook.setSecret(secret)
  const clock = createManualClock(Date.now() + 1_000)
  await deliverer({ clock, schedule: Array.from({ length: 30 }, () => 10) })
  await enqueueAll(
    testDatabase.database,
    Array.from({ length: 300 }, (_, index) => noticeOf(`rough ${index}`)),
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
