import { expect, test } from 'vitest'
import { belowFifty, DAY, facts, rule } from '../../../../tests/support/alerting/alert-script.ts'
import type { Rule } from '../alert/rule.ts'
import { createReplay, lookBackMs } from './replay-rule.ts'
import { sumReplays } from './sum-replays.ts'

const T0 = 1_800_000_000_000
type Step = readonly [day: number, score: number, backfill?: boolean]

const replay = (tried: Rule, steps: readonly Step[], { from = 0, until = 90, first = 1 } = {}) => {
  const replaying = createReplay(tried, 'acme', T0 + from * DAY)
  steps.forEach(([day, score, backfill = false], i) => {
    replaying.see({ at: T0 + day * DAY, seen: { facts: facts({ score, sequence: first + i }), traits: {}, backfill } })
  })
  const ended = replaying.end(T0 + until * DAY)
  return { ...ended, alerts: ended.alerts.map(({ firedAt, endedAt, told }) => [days(firedAt), days(endedAt), told]) }
}
const days = (at: number | null) => at && (at - T0) / DAY

test('each fall is an alert from its instant to its recovery; one still open has no end', () => {
  const steps: Step[] = [
    [0, 80],
    [1, 45],
    [2, 55],
    [3, 60],
    [20, 40],
  ]
  expect(replay(belowFifty(), steps).alerts).toEqual([
    [1, 3, true],
    [20, null, true],
  ])
})

test('a second alert within the cooldown fires, and notifies only if it outlasts it', () => {
  const short: Step[] = [
    [1, 45],
    [2, 60],
    [3, 45],
    [4, 60],
  ]
  expect(replay(belowFifty(), short).alerts.map(([, , told]) => told)).toEqual([true, false])
  const long: Step[] = [
    [1, 45],
    [2, 60],
    [3, 45],
    [10, 60],
  ]
  expect(replay(belowFifty(), long).alerts.map(([, , told]) => told)).toEqual([true, true])
})

test('a dwell ends by time alone, also after the last change', () => {
  expect(replay(belowFifty({ dwellMs: 5 * DAY }), [[1, 45]], { until: 30 }).alerts).toEqual([[6, null, true]])
})

test('an alert from before the time span, before the history or by a backfill is no crossing', () => {
  expect(
    replay(
      belowFifty(),
      [
        [0, 45],
        [20, 44],
      ],
      { from: 10 },
    ),
  ).toMatchObject({ alerts: [], alreadyOpen: true })
  expect(replay(belowFifty(), [[12, 45]], { from: 10, first: 7 })).toMatchObject({ alerts: [], alreadyOpen: true })
  expect(replay(belowFifty(), [[12, 45, true]], { from: 10 })).toMatchObject({ alerts: [], alreadyOpen: true })
  expect(
    replay(
      belowFifty(),
      [
        [0, 45],
        [5, 80],
      ],
      { from: 10 },
    ),
  ).toMatchObject({ alerts: [], alreadyOpen: false })
  expect(replay(belowFifty(), [[12, 45]], { from: 10 })).toMatchObject({
    alerts: [[12, null, true]],
    alreadyOpen: false,
  })
})

test('a disabled rule is replayed as enabled; a momentary alert lasts no time; a digest-only rule notifies nobody', () => {
  expect(replay(belowFifty({ enabled: false }), [[1, 45]]).alerts.length).toBe(1)
  expect(replay(belowFifty({ momentary: true }), [[1, 45]]).alerts).toEqual([[1, 1, true]])
  expect(replay(belowFifty({ tells: 'digest' }), [[1, 45]]).alerts).toEqual([[1, null, false]])
})

test('how far a rule looks back is the longest way through its spans', () => {
  const held = { that: { change: 'mrr', overMs: 3 * DAY, op: '<', value: 0 }, forMs: 2 * DAY } as const
  const tried = rule({ when: { any: [{ not: held }, { fact: 'score', op: 'known' }] }, dwellMs: DAY })
  expect(lookBackMs(tried)).toBe(6 * DAY)
  expect(lookBackMs(belowFifty())).toBe(0)
})

test('the sum counts alerts and accounts, and lists those at which it fired most', () => {
  const account = (accountId: string, hours: readonly (number | null)[]) => ({
    accountId,
    alerts: hours.map((length, i) => ({ firedAt: i * DAY, endedAt: length && i * DAY + length, told: i % 2 === 0 })),
    alreadyOpen: hours.length === 0,
    firstAt: 0,
  })
  const many = account('many', [10, 20, 30, 40])
  const sum = sumReplays([account('none', []), account('one', [null]), many], 2 * DAY, 1)
  expect(sum).toEqual({
    fired: 5,
    told: 3,
    openNow: 1,
    alreadyOpen: 1,
    accountsFired: 2,
    accountsFiredMoreThanThreeTimes: 1,
    openMs: { median: 30, p90: 2 * DAY, longest: 2 * DAY },
    mostFired: [{ accountId: 'many', fired: 4, told: 2, openMs: 100, openNow: false, lastFiredAt: 3 * DAY }],
  })
  expect(sumReplays([], 0, 10)).toMatchObject({ fired: 0, openMs: null })
})
