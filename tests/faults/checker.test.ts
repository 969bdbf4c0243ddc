import { expect, test } from 'vitest'
import type { Received } from '../support/webhooks/webhook-receiver.ts'
import { checkChanges, checkCounters, checkTimeline, type ShownChange, type ShownHealth } from './check-account.ts'
import { checkAlertsOfAccount, checkWebhooks, type ShownAlert } from './check-alerts.ts'
import { checkPublished } from './check-published.ts'
import { narrateStory, type StoryEvent } from './story.ts'

// A checker that never complains proves nothing: each fault that it looks for is planted once.

const acknowledged = new Set(['web/e-1', 'mobile/e-1'])
const timeline = [
  { source: 'web', id: 'e-1' },
  { source: 'mobile', id: 'e-1' },
]

test('the timeline check finds a lost event, a strange one and a double one', () => {
  expect(checkTimeline(timeline, acknowledged)).toEqual([])
  expect(checkTimeline(timeline.slice(1), acknowledged)).toEqual([expect.stringContaining('are lost: web/e-1')])
  expect(checkTimeline([...timeline, timeline[0]!], acknowledged)).toEqual([expect.stringContaining('shown twice')])
  expect(checkTimeline([...timeline, { source: 'web', id: 'e-2' }], acknowledged)).toEqual([
    expect.stringContaining('never sent: web/e-2'),
  ])
})

const AT = '2026-03-29T12:00:00.000Z'
const used = (daysAgo: number, n: number): StoryEvent => ({
  id: `e-${daysAgo}-${n}`,
  source: 'web',
  type: 'Feature Used',
  accountId: 'acme',
  userId: `u-${n % 4}`,
  occurredAt: new Date(Date.parse(AT) - daysAgo * 86_400_000).toISOString(),
  properties: { core: true },
})
/** 20 core events 20 days ago, 10 of them today: trend (2 x 10 + 5) / (20 + 5). */
const events = [
  ...Array.from({ length: 20 }, (_, n) => used(20, n)),
  ...Array.from({ length: 10 }, (_, n) => used(0, n)),
]
const values = {
  'usage.active_days': 2,
  'usage.active_ratio': 1,
  'usage.trend': 1,
  'usage.recency': 0,
  'adoption.depth': 1,
}
const healthOf = (shown: Readonly<Record<string, number>>): ShownHealth => ({
  at: AT,
  score: 60,
  sequence: 2,
  groups: [{ factors: Object.entries(shown).map(([factor, value]) => ({ factor, value })) }],
})

test('the counter check finds one event that counts twice or not at all', () => {
  expect(checkCounters(healthOf(values), events)).toEqual([])
  expect(checkCounters(healthOf({ ...values, 'usage.trend': 1.08 }), events)).toEqual([
    expect.stringContaining('usage.trend is 1.08'),
  ])
  expect(checkCounters(healthOf(values), events.slice(0, -1))).toEqual([expect.stringContaining('usage.trend')])
})

const change = (
  sequence: number,
  previousScore: number | null,
  score: number,
  delta: number,
  facts = {},
): ShownChange => ({
  changeId: `c-${sequence}`,
  sequence,
  health: { score, previousScore, band: 'watch' },
  explanation: [{ delta }],
  facts: { paymentFailedDays: null, silentSince: null, detractorWithin90d: false, ...facts },
})
const changes = [change(1, null, 70, 70), change(2, 70, 60, -10)]
const health = healthOf(values)

test('the change check finds a gap, a repeated number, a torn chain and a line that does not add up', () => {
  expect(checkChanges(changes, health)).toEqual([])
  expect(checkChanges([changes[0]!, change(3, 70, 60, -10)], health)).toEqual(['the change after 1 has number 3'])
  expect(checkChanges([changes[0]!, changes[0]!], health)).toEqual(['the change after 1 has number 1'])
  expect(checkChanges([changes[0]!, change(2, 71, 60, -11)], health)).toEqual([expect.stringContaining('begins at 71')])
  expect(checkChanges([changes[0]!, change(2, 70, 60, -9.9999)], health)).toEqual([expect.stringContaining('sum to')])
  expect(checkChanges(changes, { ...health, sequence: 3 })).toEqual([expect.stringContaining('of change 3')])
})

const alert = (episode: number, more: Partial<ShownAlert> = {}): ShownAlert => ({
  id: `a-${episode}`,
  accountId: 'acme',
  ruleId: 'payment_failed',
  episode,
  state: 'firing',
  told: true,
  ...more,
})
const failed = [change(1, null, 70, 70), change(2, 70, 60, -10, { paymentFailedDays: 3 })]

test('the alert check finds a crossing without an alert, an alert without a crossing, and one episode twice', () => {
  expect(checkAlertsOfAccount('failing', [alert(1)], failed)).toEqual([])
  expect(checkAlertsOfAccount('failing', [], failed)).toEqual(['payment_failed has 0 alerts for 1 crossings'])
  expect(checkAlertsOfAccount('failing', [alert(1), alert(2)], failed)).toHaveLength(1)
  expect(checkAlertsOfAccount('failing', [alert(1), alert(1)], failed)).toContain('payment_failed has the episodes 1,1')
  expect(checkAlertsOfAccount('busy', [alert(1)], failed)).toEqual([expect.stringContaining('the story crosses it 0')])
})

test('after a database went back, the checks still find a number that falls, a lost alert and a number of two changes', () => {
  const jumped = [changes[0]!, change(1_001, 70, 60, -10)]
  const current = { ...health, sequence: 1_001 }
  expect(checkChanges(jumped, current, true)).toEqual([])
  expect(checkChanges(jumped, current)).toEqual(['the change after 1 has number 1001'])
  expect(checkChanges([changes[1]!, changes[0]!], health, true)).toEqual(['the change after 1 has number 1'])
  expect(checkAlertsOfAccount('failing', [alert(1), alert(10_001)], failed, true)).toEqual([])
  expect(checkAlertsOfAccount('failing', [], failed, true)).toEqual([expect.stringContaining('has 0 alerts')])
  expect(checkAlertsOfAccount('failing', [alert(1), alert(1)], failed, true)).toHaveLength(1)
  expect(checkAlertsOfAccount('busy', [alert(1)], changes, true)).toEqual([expect.stringContaining('never crosses it')])
  const published = [1, 2, 1].map((sequence) => ({ accountId: 'acme', sequence, text: `change ${sequence}` }))
  expect(checkPublished(published)).toEqual([])
  expect(checkPublished([...published, { ...published[0]!, text: 'another' }])).toHaveLength(1)
})

const call = (id: string, alertId: string, more: Partial<Received> = {}): Received => ({
  id,
  body: JSON.stringify({ type: 'alert.firing', data: { alert: { id: alertId } } }),
  headers: {},
  verified: true,
  ...more,
})

test('the webhook check finds a missing webhook, a second id, a second body, a bad signature and an unknown alert', () => {
  const told = [alert(1)]
  expect(checkWebhooks([call('w-1', 'a-1'), call('w-1', 'a-1')], told)).toEqual([])
  expect(checkWebhooks([], told)).toEqual([expect.stringContaining('was told by 0 webhooks')])
  expect(checkWebhooks([call('w-1', 'a-1'), call('w-2', 'a-1')], told)).toEqual([expect.stringContaining('by 2')])
  const reworded = call('w-1', 'a-1', { body: `${call('w-1', 'a-1').body} ` })
  expect(checkWebhooks([call('w-1', 'a-1'), reworded], told)).toEqual(['webhook w-1 came with two bodies'])
  expect(checkWebhooks([call('w-1', 'a-1', { verified: false })], told)).toEqual([expect.stringContaining('signature')])
  expect(checkWebhooks([call('w-1', 'a-1'), call('w-2', 'a-9')], told)).toEqual([expect.stringContaining('alert a-9')])
})

test('a story is the same for the same seed, of as many distinct events as asked for, and its ids repeat between sources', () => {
  const options = { events: 2_000, accounts: 12, seed: 3, now: Date.parse(AT) }
  const story = narrateStory(options)
  expect(narrateStory(options)).toEqual(story)
  const all = story.acts.flat()
  expect(new Set(all.map(({ source, id }) => `${source}/${id}`)).size).toBe(2_000)
  expect(new Set(all.map(({ id }) => id)).size).toBe(1_000)
})
