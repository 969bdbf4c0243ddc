import { expect, onTestFinished, test } from 'vitest'
import { type Clock, systemClock, toInstant } from '#libs/runtime/clock.ts'
import { eventually } from '../support/eventually.ts'
import { createManualClock, type ManualClock } from '../support/manual-clock.ts'
import { createShared, type Replica, type Shared } from '../support/scoring/scoring-and-alerting.ts'

const DAY_MS = 86_400_000
/** In onboarding, seven exact days without activity. */
const LIMIT_MS = 7 * DAY_MS
const SOON_MS = 2_000
const SEEN_AT = Date.parse('2026-03-26T23:59:58.765Z')
const SILENT_AT = SEEN_AT + LIMIT_MS

type Alert = { readonly accountId: string; readonly openedAt: string; readonly episode: number; readonly state: string }
type Change = { readonly sequence: number; readonly facts: { readonly silentSince: string | null } }

const share = async (clock: Clock): Promise<Shared> => {
  const shared = await createShared(clock)
  onTestFinished(shared.stop)
  return shared
}
const seeActivity = async ({ test, publish }: Shared, accountIds: readonly string[], at: number): Promise<void> => {
  const [occurredAt, receivedAt] = [toInstant(at), toInstant(test.platform.clock.now())]
  const body = { id: 'seen', source: 'web', type: 'Signed In', userId: 'u-1', occurredAt, receivedAt, properties: {} }
  await publish(accountIds.map((accountId) => ({ accountId, kind: 'event', body })))
}
const silences = async ({ alerts }: Replica): Promise<readonly Alert[]> =>
  (await alerts.get<{ items: Alert[] }>('/v1/alerts?ruleId=silence&limit=500')).items
const changesOf = async ({ api }: Replica, accountId: string): Promise<readonly Change[]> =>
  (await api.get<{ items: Change[] }>(`/v1/accounts/${accountId}/changes?limit=500`)).items

/** Waits until each account was looked at, at that instant of the clock. */
const evaluatedAt = ({ test }: Shared, at: number, accounts: number): Promise<void> =>
  eventually(`${accounts} accounts are evaluated at ${toInstant(at)}`, async () => {
    const [row] = await test.platform.database.query<{ n: number }>(
      'select count(*) as n from scoring.account where evaluated_at = to_timestamp($1::double precision / 1000)',
      [at],
    )
    return row!.n === accounts
  })
/**
 * Lets the clock go on by small steps, as long as real work needs them, until the alerts are there.
 */
const silencesCome = async (clock: ManualClock, replica: Replica, count: number): Promise<readonly Alert[]> => {
  let alerts: readonly Alert[] = []
  let steppedAt = Number.NEGATIVE_INFINITY
  await eventually(`${count} accounts are silent`, async () => {
    // A loop that was busy when time moved sleeps only now.
    if (performance.now() - steppedAt > 500) {
      clock.advance(250)
      steppedAt = performance.now()
    }
    alerts = await silences(replica)
    return alerts.length >= count
  })
  return alerts
}

test('an account is silent from its exact instant: a millisecond before there is no alert, within two seconds after there is one', async () => {
  const clock = createManualClock(SEEN_AT)
  const shared = await share(clock)
  const replica = await shared.startReplica()
  await seeActivity(shared, ['acme'], SEEN_AT)
  await evaluatedAt(shared, SEEN_AT, 1)

  clock.moveTo(SILENT_AT - 1)
  await evaluatedAt(shared, SILENT_AT - 1, 1)
  expect((await changesOf(replica, 'acme'))[0]!.facts.silentSince).toBeNull()
  expect(await silences(replica)).toEqual([])

  clock.moveTo(SILENT_AT)
  const [alert] = await silencesCome(clock, replica, 1)
  expect(Date.parse(alert!.openedAt) - SILENT_AT).toBeGreaterThanOrEqual(0)
  expect(Date.parse(alert!.openedAt) - SILENT_AT).toBeLessThanOrEqual(SOON_MS)
  expect((await changesOf(replica, 'acme'))[0]!.facts.silentSince).toBe(toInstant(SILENT_AT))
})

test('an account whose instant passes while nothing runs is silent since that instant, within two seconds of the start', async () => {
  const clock = createManualClock(SEEN_AT)
  const shared = await share(clock)
  const before = await shared.startReplica()
  await seeActivity(shared, ['acme'], SEEN_AT)
  await evaluatedAt(shared, SEEN_AT, 1)
  await before.stop()

  const startedAt = SILENT_AT + 3_600_000
  clock.moveTo(startedAt)
  const after = await shared.startReplica()
  const [alert] = await silencesCome(clock, after, 1)
  expect(Date.parse(alert!.openedAt) - startedAt).toBeLessThanOrEqual(SOON_MS)
  expect((await changesOf(after, 'acme'))[0]!.facts.silentSince).toBe(toInstant(SILENT_AT))
})

test('two replicas that race for the same due accounts, told of them again and again, make one change and one alert of each', async () => {
  const clock = createManualClock(SEEN_AT)
  const shared = await share(clock)
  const [one] = await Promise.all([shared.startReplica(), shared.startReplica()])
  const accountIds = Array.from({ length: 40 }, (_, i) => `account-${i}`)
  await seeActivity(shared, accountIds, SEEN_AT)
  await evaluatedAt(shared, SEEN_AT, accountIds.length)

  clock.moveTo(SILENT_AT)
  const due = accountIds.map((accountId) => ({
    accountId,
    kind: 'evaluate' as const,
    body: { dueAt: toInstant(SILENT_AT) },
  }))
  const [alerts] = await Promise.all([
    silencesCome(clock, one, accountIds.length),
    shared.publish(due),
    shared.publish(due),
  ])
  // Behind the last round of evaluations comes an event: when it is counted, they are over.
  clock.advance(10)
  await shared.publish(due)
  const receivedAt = toInstant(clock.now())
  const last = {
    id: 'last',
    source: 'web',
    type: 'Feedback Received',
    occurredAt: receivedAt,
    receivedAt,
    properties: {},
  }
  await shared.publish(accountIds.map((accountId) => ({ accountId, kind: 'event', body: last })))
  await evaluatedAt(shared, clock.now(), accountIds.length)
  expect(new Set(alerts.map((alert) => alert.accountId)).size).toBe(accountIds.length)
  expect(await silences(one)).toHaveLength(accountIds.length)
  for (const accountId of accountIds) {
    const changes = [...(await changesOf(one, accountId))].reverse()
    expect(changes.map((change) => change.sequence)).toEqual(changes.map((_, i) => i + 1))
    const silent = changes.map((change) => change.facts.silentSince)
    expect(silent.filter((since, i) => since !== (silent[i - 1] ?? null))).toEqual([toInstant(SILENT_AT)])
  }
})

test('by the real clock, an account whose limit passes in three seconds alerts within two more', async () => {
  const shared = await share(systemClock)
  const replica = await shared.startReplica()
  const silentAt = Date.now() + 3_000
  await seeActivity(shared, ['acme'], silentAt - LIMIT_MS)
  let noticedAt = 0
  await eventually('the account is silent', async () => {
    const { length } = await silences(replica)
    noticedAt = Date.now()
    return length > 0
  })
  expect(noticedAt).toBeGreaterThanOrEqual(silentAt)
  expect(noticedAt - silentAt).toBeLessThanOrEqual(SOON_MS)
  expect((await changesOf(replica, 'acme'))[0]!.facts.silentSince).toBe(toInstant(silentAt))
})
