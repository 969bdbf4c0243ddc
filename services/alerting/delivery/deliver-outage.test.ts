import { expect, test } from 'vitest'
import { DAY_MS, HOUR_MS } from '#libs/runtime/durations.ts'
import { createManualClock } from '../../../tests/support/manual-clock.ts'
import { addEndpoint, enqueueAll, notificationOf } from '../../../tests/support/webhooks/deliveries.ts'
import { deliverySuite } from '../../../tests/support/webhooks/delivery-suite.ts'
import { DEFAULT_SCHEDULE } from '../core/delivery/retry-schedule.ts'

const { db, receiver, deliverer, states, once } = deliverySuite()
const START = Date.parse('2026-01-01T00:00:00Z')
const UP_AT = START + 3 * DAY_MS

const rowsOf = async (table: string) =>
  Number((await db().query<{ count: number }>(`select count(*) as count from alerting.${table}`))[0]!.count)

test('a receiver that is down for 3 days gets every delivery by its schedule, and retention removes them later', async () => {
  const clock = createManualClock(START)
  const tries = new Map<string, { at: number[]; bodies: Set<string> }>()
  const hook = await receiver(({ id, body }) => {
    const seen = tries.get(id) ?? { at: [], bodies: new Set() }
    seen.at.push(clock.now())
    seen.bodies.add(body)
    tries.set(id, seen)
    return { status: clock.now() >= UP_AT ? 200 : 503 }
  })
  await addEndpoint(db(), hook.url)
  // Its polls come every second of a clock that jumps for days: it is woken by hand.
  const running = await deliverer({ clock, schedule: DEFAULT_SCHEDULE })
  const createdAt = Array.from({ length: 24 }, (_, index) => START + index * 3 * HOUR_MS)

  const tryAllDue = () =>
    once(async () => {
      running.wake()
      const due = await db().query(
        "select from alerting.delivery where state = 'pending' and next_attempt_at <= to_timestamp($1::double precision / 1000)",
        [clock.now()],
      )
      expect(due).toHaveLength(0)
    })
  for (const [index, at] of createdAt.entries()) {
    for (let next = await nextDue(); next !== null && next < at; next = await nextDue()) {
      clock.moveTo(next)
      await tryAllDue()
    }
    clock.moveTo(at)
    await enqueueAll(db(), [notificationOf(index, { at })])
    await tryAllDue()
  }
  for (let next = await nextDue(); next !== null; next = await nextDue()) {
    clock.moveTo(next)
    await tryAllDue()
  }

  expect(await states()).toEqual({ delivered: 24 })
  expect(tries.size).toBe(24)
  const started = [...tries.values()].map(({ at }) => at[0]!)
  expect(started).toEqual(createdAt)
  for (const { at, bodies } of tries.values()) {
    expect(bodies.size).toBe(1)
    expect(at.slice(1).map((one, i) => one - at[i]!)).toEqual(DEFAULT_SCHEDULE.slice(1, at.length))
    // The first try after it is up again, and no more after that.
    expect(at.filter((one) => one >= UP_AT)).toHaveLength(1)
  }
  expect([await rowsOf('delivery'), await rowsOf('webhook_message')]).toEqual([24, 24])

  clock.advance(32 * DAY_MS)
  await once(async () => {
    clock.advance(HOUR_MS)
    expect([await rowsOf('delivery'), await rowsOf('webhook_message')]).toEqual([0, 0])
  })
}, 60_000)

const nextDue = async (): Promise<number | null> =>
  (
    await db().query<{ next: number | null }>(
      "select min(next_attempt_at) as next from alerting.delivery where state = 'pending'",
    )
  )[0]!.next

test('deliveries beyond the rate of an endpoint end as overdue after the retention time', async () => {
  const clock = createManualClock(START)
  const hook = await receiver()
  await addEndpoint(db(), hook.url, { maxPerSecond: 1 })
  await enqueueAll(
    db(),
    Array.from({ length: 30 }, (_, index) => notificationOf(index, { at: START })),
  )
  await deliverer({ clock, keptMs: DAY_MS })
  await once(async () => expect(await states()).toEqual({ delivered: 1, pending: 29 }))
  clock.advance(DAY_MS)
  await once(async () => {
    clock.advance(HOUR_MS / 2)
    expect((await states()).exhausted).toBeGreaterThan(10)
  })
  const reasons = await db().query("select distinct reason from alerting.delivery where state = 'exhausted'")
  expect(reasons).toEqual([{ reason: 'overdue' }])
})
