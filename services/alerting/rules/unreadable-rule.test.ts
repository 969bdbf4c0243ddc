import { expect, onTestFinished, test } from 'vitest'
import { DAY_MS } from '#libs/runtime/durations.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { createUnreadableDocuments } from '#libs/runtime/unreadable-documents.ts'
import { createAlertingServer } from '../../../tests/support/alerting/alerting-server.ts'
import { createManualClock } from '../../../tests/support/manual-clock.ts'
import { createAlertingDatabase } from '../../../tests/support/postgres/alerting-database.ts'
import { accountChange } from '../../../tests/support/scoring/account-changes.ts'
import { testTombstones } from '../../../tests/support/tombstones.ts'
import { evaluateChanges, evaluateDueAccounts } from '../evaluation/evaluate-accounts.ts'
import { readRuleDocument } from './rule-document.ts'
import { createRuleCatalog, saveRule } from './rule-store.ts'

const createFixture = async () => {
  const { database, drop } = await createAlertingDatabase()
  onTestFinished(drop)
  const clock = createManualClock(Date.parse('2026-11-01T00:00:00.000Z'))
  const metrics = createMetrics()
  const ruleCatalog = createRuleCatalog(createUnreadableDocuments(metrics, silentLogger))
  const read = readRuleDocument({
    id: 'own_low',
    severity: 'warning',
    when: { fact: 'score', op: '<', value: 50 },
    dwell: '1d',
  })
  if (!read.ok) throw new Error('the rule of the test is not valid')
  await saveRule(database, { tenantId: 'default', document: read.document, deleted: false, at: clock.now() })
  const spoil = () =>
    database.query(`update alerting.rule set document = document || '{"memberOfANewerRelease": 1}'::jsonb`)
  let sequence = 0
  const see = (score: number) =>
    database.transaction((tx) =>
      evaluateChanges(tx, { ruleCatalog, tombstones: testTombstones }, [
        accountChange({ accountId: 'a1', sequence: ++sequence, score, previousScore: 80, at: clock.now() }),
      ]),
    )
  const runTimers = async () => {
    while ((await database.transaction((tx) => evaluateDueAccounts(tx, ruleCatalog, clock.now(), 100))) > 0);
  }
  const alerts = async () =>
    (await database.query<{ rule: string }>('select rule_id as rule from alerting.alert')).map(({ rule }) => rule)
  return { database, clock, metrics, spoil, see, runTimers, alerts }
}

test('a rule of a newer release is skipped: all other rules of its tenant alert', async () => {
  const { metrics, spoil, see, alerts } = await createFixture()
  await spoil()
  await see(40)
  expect(await alerts()).toContain('at_risk_entered')
  expect(await alerts()).not.toContain('own_low')
  expect(await metrics.metrics()).toContain('pulso_unreadable_documents{kind="rule"} 1')
})

test('what a rule that became unreadable had due waits, and neither stops nor repeats the timers', async () => {
  const { clock, spoil, see, runTimers, database } = await createFixture()
  await see(40)
  await spoil()
  clock.advance(2 * DAY_MS)
  await runTimers()
  await see(41)
  await database.query(`update alerting.rule set document = document - 'memberOfANewerRelease'`)
  await see(42)
  const fired = await database.query(`select 1 from alerting.alert where rule_id = 'own_low' and state = 'firing'`)
  expect(fired).toHaveLength(1)
})

test('an unreadable rule is shown with its problem, in the list and alone, and can be replaced', async () => {
  const { database, clock, spoil } = await createFixture()
  const server = await createAlertingServer(database, clock)
  onTestFinished(() => server.app.close())
  await spoil()
  const { status, body } = await server.call('GET', '/v1/rules?limit=500')
  expect(status).toBe(200)
  const shown = { id: 'own_low', origin: 'own', problem: { code: 'unreadable' } }
  expect(body.items.find((item) => item.id === 'own_low')).toMatchObject(shown)
  expect(await server.call('GET', '/v1/rules/own_low')).toMatchObject({ status: 200, body: shown })
  const rule = { severity: 'warning', when: { fact: 'score', op: '<', value: 50 } }
  const replaced = await server.call('PUT', '/v1/rules/own_low', rule)
  expect(replaced).toMatchObject({ status: 200 })
  expect(replaced.body).not.toHaveProperty('problem')
})
