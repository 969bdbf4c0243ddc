import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Clock } from '#libs/runtime/clock.ts'
import { DAY_MS, HOUR_MS } from '#libs/runtime/durations.ts'
import { createAlertingServer } from '../../../tests/support/alerting/alerting-server.ts'
import { createManualClock } from '../../../tests/support/manual-clock.ts'
import { createAlertingDatabase, type TestDatabase } from '../../../tests/support/postgres/alerting-database.ts'
import { accountChange } from '../../../tests/support/scoring/account-changes.ts'
import { testTombstones } from '../../../tests/support/tombstones.ts'
import { evaluateChanges, evaluateDueAccounts } from '../evaluation/evaluate-accounts.ts'
import { mergeFacts } from './fact-history-store.ts'
import { previewRule } from './preview-rule.ts'
import { readRuleDocument } from './rule-document.ts'
import { createRuleCatalog, saveRule } from './rule-store.ts'

const T0 = Date.parse('2026-08-01T00:00:00.000Z')
const ruleCatalog = createRuleCatalog()
let test_: TestDatabase
beforeAll(async () => {
  test_ = await createAlertingDatabase()
})
afterAll(() => test_.drop())

const ruleOf = (document: object) => {
  const read = readRuleDocument({ id: 'tried', severity: 'warning', ...document })
  if (!read.ok) throw new Error(JSON.stringify(read.errors))
  return read
}

type Story = readonly { readonly hours: number; readonly score: number; readonly silent: boolean }[]
/** Evaluates the stories of accounts live, in batches and with timers, up to `until`. */
const live = async (tenantId: string, stories: readonly Story[], until: number) => {
  const changes = stories.flatMap((story, account) => {
    let at = T0
    return story.map(({ hours, score, silent }, i) => {
      at += hours * HOUR_MS
      const facts = { silentSince: silent ? '2026-08-01T00:00:00.000Z' : null }
      return accountChange({ tenantId, accountId: `a${account}`, sequence: i + 1, at, score, facts })
    })
  })
  changes.sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
  const timers = async (now: number) => {
    while ((await test_.database.transaction((tx) => evaluateDueAccounts(tx, ruleCatalog, now, 500))) > 0);
  }
  for (let i = 0; i < changes.length; i += 40) {
    const batch = changes.slice(i, i + 40)
    await test_.database.transaction((tx) => evaluateChanges(tx, { ruleCatalog, tombstones: testTombstones }, batch))
  }
  await timers(until)
}

const RULES = {
  'a threshold with a margin': {
    when: { fact: 'score', op: '<', value: 50 },
    recovers: { fact: 'score', op: '>=', value: 58 },
  },
  'a dwell both ways and a short cooldown': {
    when: { fact: 'score', op: '<', value: 50 },
    dwell: '30h',
    recoverDwell: '20h',
    cooldown: '3d',
  },
  'a span, a change and what was before': {
    when: {
      any: [
        { for: '2d', that: { fact: 'score', op: '<', value: 58 } },
        { change: 'score', over: '3d', op: '<=', value: -20 },
        { previously: { fact: 'silentSince', op: 'known' } },
      ],
    },
  },
  'a moment': { kind: 'hard_signal', momentary: true, when: { fact: 'silentSince', op: 'known' } },
}
const story: fc.Arbitrary<Story> = fc.array(
  fc.record({
    hours: fc.integer({ min: 1, max: 80 }),
    score: fc.constantFrom(30, 45, 49, 50, 57, 58, 80),
    silent: fc.boolean(),
  }),
  { minLength: 1, maxLength: 30, size: 'max' },
)

test.each(Object.entries(RULES))(
  'a preview answers what the rule did to the same changes when it was in force: %s',
  async (name, document) => {
    const { document: rule } = ruleOf(document)
    const tenantId = name
    await test_.database.transaction((tx) => saveRule(tx, { tenantId, document: rule, deleted: false, at: T0 }))
    const stories = fc.sample(story, { numRuns: 25, seed: 7 })
    const until = T0 + 85 * DAY_MS
    await live(tenantId, stories, until)
    const [alerts] = await test_.database.query<Record<string, number>>(
      `select count(*) as fired, count(*) filter (where told) as told, count(distinct account_id) as accounts,
              count(*) filter (where state <> 'resolved') as open,
              max(coalesce(extract(epoch from resolved_at), $2) - extract(epoch from fired_at))::int as longest
         from alerting.alert where tenant_id = $1 and rule_id = 'tried' and fired_at is not null`,
      [tenantId, until / 1_000],
    )
    const ask = () =>
      previewRule(
        { database: test_.database, clock: createManualClock(until) },
        { tenantId, rule: ruleOf(document).rule, days: 90, limit: 500 },
      )
    const preview = await ask()
    expect(alerts!.fired).toBeGreaterThan(25)
    expect({
      fired: preview.fired,
      told: preview.told,
      accounts: preview.accountsFired,
      open: preview.openNow,
      longest: Math.round(preview.openMs!.longest / 1_000),
    }).toEqual(alerts)
    expect(preview).toMatchObject({ accounts: 25, replayed: 25, changes: stories.flat().length, alreadyOpen: 0 })

    // The same from a record whose weeks have become rows, by several at once and bit by bit.
    const loose = async () =>
      (await test_.database.query('select from alerting.account_facts where not whole and tenant_id = $1', [tenantId]))
        .length
    expect(await loose()).toBeGreaterThan(25)
    while ((await loose()) > 0) await Promise.all([1, 2, 3].map(() => mergeFacts(test_.database, until, 7)))
    expect(await ask()).toEqual(preview)
  },
)

test('nothing is written by a preview, and another tenant’s accounts play no part', async () => {
  const tenantId = 'quiet'
  await live(tenantId, [[{ hours: 1, score: 40, silent: false }]], T0 + DAY_MS)
  const server = await createAlertingServer(test_.database, createManualClock(T0 + 2 * DAY_MS))
  const before = await rows()
  const body = { id: 'tried', severity: 'info', when: { fact: 'score', op: '<', value: 50 } }
  const own = await server.call('POST', '/v1/rules/preview?days=30', body, `${tenantId}-reader`)
  expect([own.status, own.body]).toMatchObject([
    200,
    {
      fired: 1,
      accounts: 1,
      replayed: 1,
      sampled: false,
      estimate: null,
      openHours: { longest: 47 },
      mostFired: [{ accountId: 'a0', fired: 1, openNow: true, lastFiredAt: '2026-08-01T01:00:00.000Z' }],
    },
  ])
  const other = await server.call('POST', '/v1/rules/preview', body, 'other')
  expect(other.body).toMatchObject({ fired: 0, accounts: 0, recordedFrom: null, openHours: null })
  expect(await rows()).toEqual(before)
  const wrong = await server.call(
    'POST',
    '/v1/rules/preview',
    'id: tried\nseverity: info\nwhen: { all: [{ fact: mood }] }',
  )
  expect([wrong.status, wrong.body.errors[0]!.pointer]).toEqual([422, '/when/all/0/fact'])
  const about = await server.call('POST', '/v1/rules/preview', 'id: tried\nseverity: info\nquietSource: { for: 24h }')
  expect([about.status, about.body.errors[0]!.pointer]).toEqual([422, '/quietSource'])
  await server.app.close()
})

const rows = () =>
  test_.database.query(
    `select (select count(*) from alerting.alert) as alerts, (select count(*) from alerting.delivery) as deliveries,
            (select count(*) from alerting.outbox) as events, (select count(*) from alerting.rule) as rules`,
  )

test('a preview that runs out of time answers for a random sample and says so', async () => {
  const tenantId = 'many'
  const steps: Story = [
    { hours: 1, score: 80, silent: false },
    { hours: 1, score: 40, silent: false },
  ]
  await live(
    tenantId,
    Array.from({ length: 1_000 }, () => steps),
    T0 + DAY_MS,
  )
  // Each look at the clock takes 20 ms.
  let now = T0 + 2 * DAY_MS
  const clock: Clock = { now: () => (now += 20), after: () => () => {} }
  const request = { tenantId, rule: ruleOf(RULES['a threshold with a margin']).rule, days: 90, limit: 500 }
  const preview = await previewRule({ database: test_.database, clock, budgetMs: 90 }, request)
  expect(preview.accounts).toBe(1_000)
  expect(preview.replayed).toBeGreaterThanOrEqual(100)
  expect(preview.replayed).toBeLessThan(1_000)
  expect(preview.fired).toBe(preview.replayed)
  const numbers = preview.mostFired.map(({ accountId }) => Number(accountId.slice(1)))
  expect(Math.max(...numbers) - Math.min(...numbers)).toBeGreaterThan(700)
})
