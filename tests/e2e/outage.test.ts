import { expect, onTestFinished, test } from 'vitest'
import { toInstant } from '#libs/runtime/clock.ts'
import { eventually } from '../support/eventually.ts'
import { createManualClock, type ManualClock } from '../support/manual-clock.ts'
import { createShared, type Replica, type Shared } from '../support/scoring/scoring-and-alerting.ts'

const DAY_MS = 86_400_000
/** In onboarding, seven exact days without activity. */
const LIMIT_MS = 7 * DAY_MS
const SEEN_AT = Date.parse('2026-03-26T10:00:00.000Z')
const SILENT_AT = SEEN_AT + LIMIT_MS

type Alert = {
  readonly accountId: string | null
  readonly ruleId: string
  readonly told: boolean
  readonly notToldBecause: string | null
  readonly openedAt: string
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `account-${i}`)
const seeActivity = async (shared: Shared, accountIds: readonly string[], at: number, id = 'seen'): Promise<void> => {
  const occurredAt = toInstant(at)
  const body = {
    id,
    source: 'web',
    type: 'Signed In',
    userId: 'u-1',
    occurredAt,
    receivedAt: occurredAt,
    properties: {},
  }
  await shared.publish(accountIds.map((accountId) => ({ accountId, kind: 'event', body })))
  await eventually(`alerting has seen the activity of ${accountIds.length} accounts`, async () => {
    const [row] = await shared.test.platform.database.query<{ n: number }>(
      `select count(*) as n from alerting.account
        where (seen ->> 'at')::double precision >= $1 and seen -> 'facts' ->> 'daysSinceLastActivity' = '0'`,
      [at],
    )
    return row!.n === accountIds.length
  })
}
const alertsOf = async ({ alerts }: Replica, ruleId: string): Promise<readonly Alert[]> =>
  (await alerts.get<{ items: Alert[] }>(`/v1/alerts?ruleId=${ruleId}&limit=500`)).items
/** Lets time go on by small steps, as long as real work needs them. */
const goOnUntil = async (clock: ManualClock, what: string, holds: () => Promise<boolean>): Promise<void> => {
  let steppedAt = Number.NEGATIVE_INFINITY
  await eventually(what, async () => {
    if (performance.now() - steppedAt > 300) {
      clock.advance(500)
      steppedAt = performance.now()
    }
    return holds()
  })
}
const start = async () => {
  const clock = createManualClock(SEEN_AT)
  const shared = await createShared(clock)
  onTestFinished(shared.stop)
  return { clock, shared, replica: await shared.startReplica() }
}
/** For a test whose source says nothing while time leaps. */
const expectNoSource = async ({ alerts }: Replica): Promise<void> => {
  const { origin: _, ...rule } = await alerts.get<{ origin: string }>('/v1/rules/source_silent')
  expect(await alerts.send('PUT', '/v1/rules/source_silent', { ...rule, enabled: false })).toMatchObject({
    status: 200,
  })
}
const notifiedRules = async ({ test: { platform } }: Shared): Promise<readonly string[]> =>
  (
    await platform.database.query<{ rule: string }>('select rule_id as rule from alerting.alert where told order by 1')
  ).map(({ rule }) => rule)

test('200 accounts that fall silent together raise one alert, for operators; theirs say that an outage mutes them', async () => {
  const { clock, shared, replica } = await start()
  await shared.startReplica()
  await expectNoSource(replica)
  await seeActivity(shared, names(200), SEEN_AT)
  clock.moveTo(SILENT_AT)
  await goOnUntil(clock, 'all are silent, and hushed', async () => {
    const silences = await alertsOf(replica, 'silence')
    return silences.length === 200 && silences.every((alert) => alert.notToldBecause === 'outage')
  })
  const outages = await alertsOf(replica, 'outage')
  expect(outages).toMatchObject([{ accountId: null, source: null, state: 'firing', told: true }])
  expect(await notifiedRules(shared)).toEqual(['outage'])
})

test('3 of 200 that fall silent together are three alerts, told within two seconds of the instant', async () => {
  const { clock, shared, replica } = await start()
  await seeActivity(shared, names(200), SEEN_AT)
  clock.moveTo(SEEN_AT + 3 * DAY_MS)
  await seeActivity(shared, names(200).slice(3), SEEN_AT + 3 * DAY_MS, 'again')
  clock.moveTo(SILENT_AT)
  await goOnUntil(clock, 'three are silent', async () => (await alertsOf(replica, 'silence')).length === 3)
  const silences = await alertsOf(replica, 'silence')
  expect(silences.map(({ told }) => told)).toEqual([true, true, true])
  for (const { openedAt } of silences) expect(Date.parse(openedAt) - SILENT_AT).toBeLessThanOrEqual(2_000)
  expect(await alertsOf(replica, 'outage')).toEqual([])
})

test('if the source they share was not heard either, that is the one alert', async () => {
  const { clock, shared, replica } = await start()
  await seeActivity(shared, names(60), SEEN_AT)
  await goOnUntil(clock, 'the source is known', async () => {
    const rows = await shared.test.platform.database.query("select from alerting.subject where kind = 'source'")
    return rows.length === 1
  })
  clock.moveTo(SEEN_AT + 4 * DAY_MS)
  await goOnUntil(clock, 'the source is silent', async () => (await alertsOf(replica, 'source_silent')).length === 1)
  expect(await alertsOf(replica, 'source_silent')).toMatchObject([{ accountId: null, source: 'web', told: true }])
  clock.moveTo(SILENT_AT)
  await goOnUntil(clock, 'all are silent, and hushed', async () => {
    const silences = await alertsOf(replica, 'silence')
    return silences.length === 60 && silences.every((alert) => alert.notToldBecause === 'outage')
  })
  expect(await alertsOf(replica, 'outage')).toMatchObject([{ told: false, notToldBecause: 'outage' }])
  expect(await notifiedRules(shared)).toEqual(['source_silent'])
})
