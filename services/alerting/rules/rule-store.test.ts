import { monitorEventLoopDelay } from 'node:perf_hooks'
import { expect, onTestFinished, test } from 'vitest'
import { LONGEST_MS } from '../../../tests/support/loop-delay.ts'
import { createAlertingDatabase } from '../../../tests/support/postgres/alerting-database.ts'
import { readRuleDocument } from './rule-document.ts'
import { createRuleCatalog, saveRule } from './rule-store.ts'

test('the most rules of the most conditions are compiled after a start without holding the event loop', async () => {
  const { database, drop } = await createAlertingDatabase()
  onTestFinished(drop)
  const part = { any: Array.from({ length: 48 }, () => ({ fact: 'score', op: '<', value: 40 })) }
  for (let i = 0; i < 200; i++) {
    const read = readRuleDocument({ id: `own_${i}`, severity: 'warning', when: { all: [part, part, part, part] } })
    if (!read.ok) throw new Error('not a rule')
    await saveRule(database, { tenantId: 'default', document: { ...read.document }, deleted: false, at: i })
  }
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const rules = (await createRuleCatalog().rulesInForce(database, ['default'])).get('default')!
  await new Promise((resolve) => setImmediate(resolve))
  delay.disable()
  expect(rules.filter(({ rule }) => rule.id.startsWith('own_'))).toHaveLength(200)
  expect(delay.max / 1e6).toBeLessThan(LONGEST_MS)
}, 60_000)
