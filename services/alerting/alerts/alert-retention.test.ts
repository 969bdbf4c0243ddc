import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY_MS } from '#libs/runtime/durations.ts'
import { createManualClock } from '../../../tests/support/manual-clock.ts'
import { createAlertingDatabase, type TestDatabase } from '../../../tests/support/postgres/alerting-database.ts'
import { accountChange } from '../../../tests/support/scoring/account-changes.ts'
import { testTombstones } from '../../../tests/support/tombstones.ts'
import { evaluateChanges } from '../evaluation/evaluate-accounts.ts'
import { insertSilence } from '../policy/silence-store.ts'
import { createRuleCatalog } from '../rules/rule-store.ts'
import { alertUpkeep } from './alert-retention.ts'

const T0 = Date.parse('2024-01-01T00:00:00.000Z')
let test_: TestDatabase
beforeAll(async () => {
  test_ = await createAlertingDatabase()
})
afterAll(() => test_.drop())

const rowsOf = async (table: string) =>
  Number((await test_.database.query<{ n: number }>(`select count(*) as n from alerting.${table}`))[0]!.n)

/** How each table stays bounded. A new one must say. */
const BOUNDED_BY = {
  account: 'a row per account',
  activity_position: 'a row per partition',
  account_facts: 'PULSO_PREVIEW_DAYS',
  alert: 'PULSO_ALERT_RETENTION_DAYS once resolved; one open per account and rule',
  alert_transition: 'goes with its alert',
  delivery: 'PULSO_DELIVERY_RETENTION_DAYS',
  outbox: 'goes when published',
  epoch: 'one row',
  erased_account: 'a row per account that was erased, so that it stays so',
  grouped_notice: 'goes with its group',
  message_account: 'goes with its message',
  lease: 'a row per kind of work',
  log_position: 'a row per partition',
  migrations: 'a row per migration',
  notice_group: 'goes when its window ends; one open per owner',
  notification_policy: 'a row per tenant',
  rule: 'a row per rule that people made or changed',
  subject: 'a row per tenant and source',
  silence: 'PULSO_ALERT_RETENTION_DAYS once ended',
  webhook_endpoint: 'a deleted one goes with its last delivery',
  webhook_message: 'goes with its last delivery',
  webhook_secret: 'goes at the next rotation, and with its endpoint',
}

test('every table of alerting is bounded by something', async () => {
  const tables = await test_.database.query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'alerting'",
  )
  expect(tables.map(({ name }) => name).sort()).toEqual(Object.keys(BOUNDED_BY).sort())
})

test('resolved alerts, ended silences and recorded changes go when they are old enough, and what is open stays', async () => {
  const ruleCatalog = createRuleCatalog()
  const see = (accountId: string, sequence: number, day: number, score: number) =>
    test_.database.transaction((tx) =>
      evaluateChanges(tx, { ruleCatalog, tombstones: testTombstones }, [
        accountChange({ accountId, sequence, at: T0 + day * DAY_MS, score, previousScore: 80 }),
      ]),
    )
  await see('recovered', 1, 0, 45)
  await see('recovered', 2, 1, 80)
  await see('low', 1, 0, 45)
  for (const [silenceId, endsAt] of [
    ['11111111-1111-4111-8111-111111111111', T0 + DAY_MS],
    ['22222222-2222-4222-8222-222222222222', T0 + 300 * DAY_MS],
  ] as const)
    await test_.database.transaction((tx) =>
      insertSilence(tx, 'default', {
        silenceId,
        matcher: {},
        startsAt: T0,
        endsAt,
        comment: '',
        createdBy: 'kim',
        createdAt: T0,
      }),
    )
  const counts = () =>
    Promise.all(['alert', 'alert_transition', 'silence', 'account_facts'].map((table) => rowsOf(table)))
  // Both were at risk; the one that came back has a second alert, of the moment at which it did.
  expect(await counts()).toEqual([3, 5, 2, 3])

  const clock = createManualClock(T0 + 2 * DAY_MS)
  const tasks = alertUpkeep({ database: test_.database, clock, previewDays: 90, alertDays: 400 })
  const countsAt = async (day: number) => {
    clock.moveTo(T0 + day * DAY_MS)
    for (const { chunk } of tasks) while ((await chunk(1)) > 0);
    return counts()
  }
  // A week that is over is one row of an account.
  expect(await countsAt(8)).toEqual([3, 5, 2, 3])
  expect(await countsAt(97)).toEqual([3, 5, 2, 2])
  expect(await countsAt(99)).toEqual([3, 5, 2, 0])
  expect(await countsAt(400)).toEqual([3, 5, 2, 0])
  expect(await countsAt(402)).toEqual([1, 1, 1, 0])
  const [open] = await test_.database.query('select account_id as id, state from alerting.alert')
  expect(open).toEqual({ id: 'low', state: 'firing' })
})
