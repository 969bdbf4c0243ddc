import { expect, test } from 'vitest'
import { createManualClock } from '../../../tests/support/manual-clock.ts'
import type { Job } from './attempt-delivery.ts'
import { createEndpointConcurrency } from './endpoint-concurrency.ts'
import { FIRST_ROOM, type Pace } from './endpoint-slots.ts'

const jobsOf = (endpointId: string, count: number, maxPerSecond: number | null = null, startBefore = Infinity): Job[] =>
  Array.from({ length: count }, (_, index) => ({
    delivery: {
      deliveryId: `${endpointId} ${index}`,
      tenantId: 't',
      endpointId,
      type: 'alert.firing',
      tries: 0,
      body: Buffer.alloc(0),
    },
    target: {
      endpointId,
      tenantId: 't',
      url: '',
      urlSealed: null,
      verified: true,
      origin: endpointId,
      kind: 'standard',
      failingSince: null,
      maxPerSecond,
      secrets: [],
    },
    token: 'token',
    startBefore,
  }))

/** Slots whose calls end when the test says so. */
const setUp = (maxPerEndpoint = 64) => {
  const clock = createManualClock(0)
  const running: { job: Job; end: (pace: Pace) => void }[] = []
  const rooms: string[] = []
  const concurrency = createEndpointConcurrency({
    clock,
    maxPerEndpoint,
    run: (job) => new Promise((end) => running.push({ job, end })),
    onRoom: (endpointId) => rooms.push(endpointId),
  })
  const active = (endpointId: string) => running.filter(({ job }) => job.target.endpointId === endpointId)
  const endAll = async (endpointId: string, pace: Pace): Promise<void> => {
    for (const call of active(endpointId)) {
      running.splice(running.indexOf(call), 1)
      call.end(pace)
      await Promise.resolve()
    }
    await new Promise(setImmediate)
  }
  return { clock, concurrency, active, endAll, rooms }
}

test('an endpoint that answers well is given more calls at once, up to the most', async () => {
  const { concurrency, active, endAll } = setUp()
  concurrency.add(jobsOf('a', 500))
  const before = active('a').length
  await endAll('a', 'good')
  expect(active('a').length).toBe(2 * before)
  for (let round = 0; round < 4; round++) await endAll('a', 'good')
  expect(active('a').length).toBe(64)
})

test('an endpoint that times out is left with one call at a time and next to no room, and recovers', async () => {
  const { concurrency, active, endAll } = setUp()
  concurrency.add(jobsOf('slow', 60))
  await endAll('slow', 'slow')
  expect(active('slow')).toHaveLength(1)
  expect(concurrency.room().get('slow')).toBe(0)
  for (let calls = 0; calls < 4; calls++) await endAll('slow', 'good')
  expect(active('slow').length).toBeGreaterThan(8)
})

test('a slow endpoint takes nothing from another', async () => {
  const { concurrency, active, endAll } = setUp()
  concurrency.add(jobsOf('slow', FIRST_ROOM))
  concurrency.add(jobsOf('quick', FIRST_ROOM))
  for (let round = 0; round < 10 && active('quick').length > 0; round++) await endAll('quick', 'good')
  expect(active('quick')).toHaveLength(0)
  expect(concurrency.room().get('quick')).toBeGreaterThan(0)
})

test('an endpoint with a rate of its own is called no faster, and is given no more than it can take soon', async () => {
  const { clock, concurrency, active, endAll } = setUp()
  concurrency.add(jobsOf('paced', 20, 2))
  const perSecond: number[] = []
  for (let second = 0; second < 5; second++) {
    let calls = 0
    for (let step = 0; step < 10; step++) {
      calls += active('paced').length
      await endAll('paced', 'good')
      clock.advance(100)
    }
    perSecond.push(calls)
  }
  expect(perSecond).toEqual([2, 2, 2, 2, 2])
  expect(concurrency.room().get('paced')).toBeLessThanOrEqual(20)
})

test('a job whose lease could end during its call is not started', async () => {
  const { clock, concurrency, active, endAll } = setUp(1)
  concurrency.add(jobsOf('a', 3, null, 20_000))
  clock.advance(20_000)
  await endAll('a', 'good')
  expect(active('a')).toHaveLength(0)
  expect(concurrency.pending()).toBe(0)
})

test('emptied slots give back the queued jobs, and are idle when the calls under way have ended', async () => {
  const { concurrency, active, endAll } = setUp(2)
  concurrency.add(jobsOf('a', 5))
  expect(concurrency.empty()).toHaveLength(3)
  let idle = false
  const waiting = concurrency.idle().then(() => {
    idle = true
  })
  expect(active('a')).toHaveLength(2)
  expect(idle).toBe(false)
  await endAll('a', 'good')
  await waiting
  expect(idle).toBe(true)
})
