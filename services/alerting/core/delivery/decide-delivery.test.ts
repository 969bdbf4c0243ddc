import fc from 'fast-check'
import { expect, test } from 'vitest'
import { classifyResponse, retryAfterMs, type SendResult } from './classify-response.ts'
import { decideDelivery } from './decide-delivery.ts'
import { DEFAULT_SCHEDULE, nextTryDelay } from './retry-schedule.ts'

const NOW = Date.parse('2026-11-22T10:00:00.000Z')
const DAY_MS = 86_400_000
const answered = (status: number, retryAfter?: string): SendResult => ({
  kind: 'answered',
  status,
  retryAfter,
  answer: '',
  latencyMs: 1,
})
const decide = (result: SendResult, tries = 1, failingSince: number | null = null) =>
  decideDelivery({
    verdict: classifyResponse(result, NOW),
    tries,
    failingSince,
    schedule: DEFAULT_SCHEDULE,
    now: NOW,
    random: 0.5,
  })

test('the shipped schedule has 10 attempts over about 75 hours', () => {
  expect(DEFAULT_SCHEDULE).toHaveLength(10)
  const hours = DEFAULT_SCHEDULE.reduce((sum, delayMs) => sum + delayMs, 0) / 3_600_000
  expect(hours).toBeGreaterThan(75)
  expect(hours).toBeLessThan(76)
})

test('each delay is within 20 % of the schedule, and there is none after its end', () => {
  fc.assert(
    fc.property(fc.nat(12), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (tries, random) => {
      const planned = DEFAULT_SCHEDULE[tries]
      const delayMs = nextTryDelay(DEFAULT_SCHEDULE, tries, random)
      if (planned === undefined) expect(delayMs).toBeUndefined()
      else expect(Math.abs(delayMs! - planned)).toBeLessThanOrEqual(0.2 * planned + 1)
    }),
  )
})

test('2xx alone is success', () => {
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 599 }), (status) => {
      expect(decide(answered(status)).delivery.state === 'delivered').toBe(status >= 200 && status < 300)
    }),
  )
})

test('410 ends the delivery and disables the endpoint', () => {
  expect(decide(answered(410))).toEqual({
    delivery: { state: 'exhausted', reason: 'endpoint_gone' },
    effect: { endpoint: 'disable', reason: 'gone' },
  })
})

test.each([429, 502, 504])(
  '%i makes the endpoint wait as long as it asks, and never less than the schedule',
  (status) => {
    expect(decide(answered(status, '600'))).toEqual({
      delivery: { state: 'pending', nextAttemptAt: NOW + 600_000, reason: `status_${status}` },
      effect: { endpoint: 'throttled', pausedUntil: NOW + 600_000 },
    })
    expect(decide(answered(status), 2).delivery).toMatchObject({ nextAttemptAt: NOW + 300_000 })
  },
)

test.each(['secret_unreadable', 'url_unreadable'] as const)(
  '%s is tried again and is no failure of the endpoint, however long it lasts',
  (reason) =>
    expect(decide({ kind: 'failed', reason, latencyMs: 0 }, 1, NOW - 6 * DAY_MS)).toEqual({
      delivery: { state: 'pending', nextAttemptAt: NOW + 5_000, reason },
      effect: { endpoint: 'untried' },
    }),
)

test('Retry-After is read as seconds or a date, within 1 s and 1 h', () => {
  expect(retryAfterMs('120', NOW)).toBe(120_000)
  expect(retryAfterMs('Sun, 22 Nov 2026 10:02:00 GMT', NOW)).toBe(120_000)
  expect(retryAfterMs('0', NOW)).toBe(1_000)
  expect(retryAfterMs('Sun, 22 Nov 2026 09:00:00 GMT', NOW)).toBe(1_000)
  expect(retryAfterMs('999999999', NOW)).toBe(3_600_000)
  for (const text of [undefined, '', 'soon', '-', '9'.repeat(400)]) expect(retryAfterMs(text, NOW)).toBeNull()
})

test('a redirect and a time-out are failures with their reason', () => {
  expect(decide(answered(302)).delivery).toMatchObject({ state: 'pending', reason: 'redirect_302' })
  const timeout: SendResult = { kind: 'failed', reason: 'timeout', latencyMs: 15_000 }
  expect(decide(timeout)).toEqual({
    delivery: { state: 'pending', nextAttemptAt: NOW + 5_000, reason: 'timeout' },
    effect: { endpoint: 'failing' },
  })
})

test('after the last attempt a delivery is exhausted with the reason of that attempt', () => {
  expect(decide(answered(500), 10).delivery).toEqual({ state: 'exhausted', reason: 'status_500' })
})

test('an endpoint is disabled once it has failed for 5 days, and not an instant before', () => {
  expect(decide(answered(500), 1, NOW - 5 * DAY_MS + 1).effect).toEqual({ endpoint: 'failing' })
  expect(decide(answered(500), 1, NOW - 5 * DAY_MS).effect).toEqual({
    endpoint: 'disable',
    reason: 'failed_for_5_days',
  })
})
