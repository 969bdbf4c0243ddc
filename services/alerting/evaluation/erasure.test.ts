import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Sql } from '#libs/postgres/database.ts'
import { newId } from '#libs/runtime/ids.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { findTexts } from '../../../tests/support/find-text.ts'
import { createAlertingDatabase, type TestDatabase } from '../../../tests/support/postgres/alerting-database.ts'
import { accountChange } from '../../../tests/support/scoring/account-changes.ts'
import { testTombstones } from '../../../tests/support/tombstones.ts'
import { addEndpoint } from '../../../tests/support/webhooks/deliveries.ts'
import { enqueueNotifications } from '../notifications/enqueue-deliveries.ts'
import { createRuleCatalog } from '../rules/rule-store.ts'
import { evaluateChanges } from './evaluate-accounts.ts'

const AT = Date.parse('2026-11-01T00:00:00.000Z')
const ruleCatalog = createRuleCatalog()
let test_: TestDatabase
beforeAll(async () => {
  test_ = await createAlertingDatabase()
  await addEndpoint(test_.database, 'https://example.com/hook')
})
afterAll(() => test_.drop())

const fall = (accountId: string, sequence: number) =>
  accountChange({ accountId, sequence, at: AT + sequence * 1_000, score: 40, previousScore: 80 })
const evaluate = (...messages: ReturnType<typeof fall>[]) =>
  test_.database.transaction((tx) => evaluateChanges(tx, { ruleCatalog, tombstones: testTombstones }, messages))
const countWaiting = async (): Promise<number> =>
  (
    await test_.database.query<{ n: number }>(
      `select count(*) as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
  )[0]!.n
const erase = (sql: Sql, accountId: string, lastSequence: number) =>
  sql.query('select access.erase_account($1, $2, $3)', ['default', accountId, lastSequence])

test('nothing of an erased account is left, and changes of before, read again or read first now, leave nothing either', async () => {
  await evaluate(fall('canary', 1), fall('neighbour', 1))
  await erase(test_.database, 'canary', 3)
  expect(await findTexts(test_.database, ['canary'])).toEqual([])
  expect(await evaluate(fall('canary', 1), fall('canary', 2), fall('canary', 3))).toMatchObject({
    accounts: 0,
    stale: 3,
  })
  expect(await findTexts(test_.database, ['canary'])).toEqual([])
  expect(await findTexts(test_.database, ['neighbour'])).toEqual([
    'alerting.account',
    'alerting.account_facts',
    'alerting.alert',
    'alerting.delivery',
    'alerting.outbox',
    'alerting.webhook_message',
  ])
})

test('an account that begins anew opens episodes of their own', async () => {
  await evaluate(fall('again', 1))
  await erase(test_.database, 'again', 1)
  await evaluate(fall('again', 1), fall('again', 2))
  const rows = await test_.database.query(
    `select rule_id as rule, episode from alerting.alert where account_id = 'again' and rule_id = 'at_risk_entered'`,
  )
  expect(rows).toEqual([{ rule: 'at_risk_entered', episode: 2 }])
})

test('a message about several accounts goes when one of them is erased, and only then', async () => {
  const notified = async (...accountIds: string[]): Promise<void> => {
    const notification = {
      notificationId: newId(),
      tenantId: 'default',
      accountId: null,
      type: 'health.changed',
      severity: null,
      ownerId: null,
      traits: {},
      at: AT,
      body: { data: { accounts: accountIds.map((accountId) => ({ accountId })) } },
    } as const
    expect(await test_.database.transaction((tx) => enqueueNotifications(tx, [notification]))).toBe(1)
  }
  await notified('member', 'another')
  await notified('another', 'member-of-none')
  await erase(test_.database, 'member', 1)
  expect(await findTexts(test_.database, ['"member"'])).toEqual([])
  expect(await findTexts(test_.database, ['member-of-none'])).toEqual(['alerting.webhook_message'])
})

test('traits of an erased user go, also when their change is evaluated after the erasure', async () => {
  const withTraits = (sequence: number, traits: object) => ({ ...fall('traited', sequence), traits: { ...traits } })
  await evaluate(withTraits(1, { plan: 'pro', mail: 'canary-mail' }))
  await test_.database.query('select access.erase_user($1, $2, $3, $4)', ['default', 'traited', 'ana', { plan: 'pro' }])
  expect(await findTexts(test_.database, ['canary-mail'])).toEqual([])
  await evaluate(withTraits(2, { plan: 'pro', mail: 'canary-mail' }))
  expect(await findTexts(test_.database, ['canary-mail'])).not.toEqual([])
  await evaluate(
    { ...withTraits(3, { plan: 'pro' }), cause: 'erasure', backfill: true },
    withTraits(4, { plan: 'pro', region: 'north' }),
  )
  expect(await findTexts(test_.database, ['canary-mail'])).toEqual([])
  const [account] = await test_.database.query<{ traits: object }>(
    `select seen -> 'traits' as traits from alerting.account where account_id = 'traited'`,
  )
  expect(account?.traits).toEqual({ plan: 'pro', region: 'north' })
})

test('an erasure waits for an evaluation in progress; an evaluation that starts later sees it', async () => {
  const held = Promise.withResolvers<void>()
  const evaluated = Promise.withResolvers<void>()
  const first = test_.database.transaction(async (tx) => {
    await evaluateChanges(tx, { ruleCatalog, tombstones: testTombstones }, [fall('racer', 1)])
    evaluated.resolve()
    await held.promise
  })
  await evaluated.promise
  const erasing = erase(test_.database, 'racer', 2)
  await eventually('the erasure waits', async () => (await countWaiting()) === 1)
  const second = evaluate(fall('racer', 2))
  await eventually('the next one waits too', async () => (await countWaiting()) === 2)
  held.resolve()
  await Promise.all([first, erasing, second])
  await evaluate(fall('racer', 1), fall('racer', 2))
  expect(await findTexts(test_.database, ['racer'])).toEqual([])
})
