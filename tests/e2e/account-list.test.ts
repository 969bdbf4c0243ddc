import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '#libs/postgres/database.ts'
import { scoringConfigSchema } from '../../services/scoring/config.ts'
import {
  type AccountFilter,
  type AccountPage,
  accountListQuery,
  listAccounts,
  SORT_KEYS,
  sortValueOf,
} from '../../services/scoring/queries/account-list-store.ts'
import {
  awaitAccountListLock,
  LOCK_NOT_AVAILABLE,
  projectFlushes,
  tryAccountListLock,
} from '../../services/scoring/queries/projection-store.ts'
import { createScoring } from '../../services/scoring/service.ts'
import { createTestPlatform, type TestPlatform } from '../support/processes/platform.ts'

const ACCOUNTS = 100_000
const TENANT = 'large'
let test: TestPlatform
let database: Database

/**
 * Accounts as flushes leave them, without their states: a book of 100,000 beside a small tenant's.
 */
beforeAll(async () => {
  test = await createTestPlatform()
  await test.prepare(createScoring(test.platform, scoringConfigSchema.parse({})))
  database = test.platform.database
  await database.query(
    `insert into scoring.account (tenant_id, account_id, version, sequence, state, user_count, user_page_bits, model_id, model_version,
       name, traits, owner_id, score, band, confidence, stage, mrr, score_delta_7d, score_delta_28d, renewal_day, evaluated_at)
     select case when k % 100 = 0 then 'small' else $1 end, 'acct-' || lpad(k::text, 6, '0'), 1, 1, '\\x00', 1, 0, 'default', 1,
       'Company ' || md5(k::text), jsonb_build_object('plan', (array['free', 'team', 'pro'])[1 + k % 3], 'region', 'region-' || k % 400,
         'seats', k % 500, 'parentId', 'acct-' || lpad((k / 50)::text, 6, '0')),
       'csm-' || k % 200, case when k % 20 = 0 then null else round((100 * (k * 7919 % 100003) / 100003.0)::numeric, 4) end,
       case when k % 20 = 0 then 'insufficient_data' when k * 7919 % 100003 > 75000 then 'healthy' when k * 7919 % 100003 > 50000 then 'watch'
         when k * 7919 % 100003 > 3000 then 'at_risk' else 'critical' end,
       0.8, case k % 40 when 1 then 'churned' when 2 then 'renewal' when 3 then 'onboarding' else 'adoption' end,
       case when k % 3 = 0 then null else k * 31 % 90000 end, case when k % 2 = 0 then null else (k * 13 % 4000) / 100.0 - 20 end,
       case when k % 7 = 0 then null else (k * 17 % 4000) / 100.0 - 20 end, case when k % 5 = 0 then null else 20700 + k % 700 end, now()
     from generate_series(1, ${ACCOUNTS}) k`,
    [TENANT],
  )
  await database.query(
    `insert into scoring.account_log (tenant_id, account_id, version, partition, position, at, frame, events_at, events_length, change_length)
     select tenant_id, account_id, 1, 0, 1, now(), 0, 0, 0, 0 from scoring.account`,
  )
  await database.query('insert into scoring.partition_head (partition, position) values (0, 1)')
  await database.transaction(async (tx) => {
    await tryAccountListLock(tx)
    expect(await projectFlushes(tx, 10)).toMatchObject({ accounts: ACCOUNTS, behind: false })
  })
  await database.query('analyze')
})
afterAll(() => test?.stop())

const NO_FILTER: AccountFilter = {
  band: undefined,
  stage: undefined,
  owner: undefined,
  q: undefined,
  minScore: undefined,
  maxScore: undefined,
  traits: {},
}
const FILTERS: readonly (readonly [string, Partial<AccountFilter>])[] = [
  ['nothing', {}],
  ['a band', { band: 'critical' }],
  ['a stage', { stage: 'churned' }],
  ['an owner', { owner: 'csm-77' }],
  ['a part of the name', { q: 'c4ca42' }],
  ['a part of the id', { q: 'acct-0123' }],
  ['two words of which one is short', { q: 'C4CA42 co' }],
  ['the begin of a word', { q: 'ac' }],
  ['a range of scores', { minScore: 20, maxScore: 21.5 }],
  ['a common trait', { traits: { plan: 'pro' } }],
  ['a rare trait', { traits: { region: 'region-7' } }],
  ['a trait that is a number', { traits: { seats: '77' } }],
  ['all at once', { band: 'watch', stage: 'adoption', owner: 'csm-3', minScore: 10, traits: { plan: 'free' } }],
]

type Plan = {
  readonly 'Node Type': string
  readonly 'Actual Rows': number
  readonly 'Relation Name'?: string
  readonly Plans?: readonly Plan[]
}
const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]
const explain = async (filter: Partial<AccountFilter>, page: Partial<AccountPage>) => {
  const query = accountListQuery(TENANT, { ...NO_FILTER, ...filter }, pageWith(page))
  const [row] = await database.query<{ 'QUERY PLAN': readonly { Plan: Plan }[] }>(
    `explain (analyze, format json) ${query.text}`,
    query.params,
  )
  return nodesOf(row!['QUERY PLAN'][0]!.Plan)
}
const pageWith = (page: Partial<AccountPage>): AccountPage => ({
  sort: 'score',
  descending: false,
  after: undefined,
  limit: 51,
  ...page,
})

/** A sort of what a filter left over is no sort of the book. */
const FEW = 5_000

describe.each(SORT_KEYS)('sorted by %s', (sort) => {
  it.each(FILTERS)('a page filtered by %s is read by index', async (_what, filter) => {
    for (const descending of [false, true]) {
      const nodes = await explain(filter, { sort, descending })
      expect(nodes.filter((node) => node['Node Type'] === 'Seq Scan')).toEqual([])
      const sorts = nodes.filter((node) => node['Node Type'].endsWith('Sort'))
      for (const node of sorts)
        expect(nodesOf(node).reduce((most, { 'Actual Rows': rows }) => Math.max(most, rows), 0)).toBeLessThan(FEW)
      if (Object.keys(filter).length === 0) expect(sorts).toEqual([])
    }
  })

  it('walks through all accounts page by page, those without the value last, from any place', async () => {
    for (const descending of [false, true]) {
      const filter = { ...NO_FILTER, owner: 'csm-77' }
      const all = await listAccounts(database, TENANT, filter, pageWith({ sort, descending, limit: 1_000 }))
      const seen: string[] = []
      let after: AccountPage['after']
      for (;;) {
        const rows = await listAccounts(database, TENANT, filter, pageWith({ sort, descending, after, limit: 37 }))
        const last = rows.at(-1)
        if (last === undefined) break
        seen.push(...rows.map((row) => row.accountId))
        after = { value: sortValueOf(last, sort), accountId: last.accountId }
      }
      expect(seen).toEqual(all.map((row) => row.accountId))
      expect(seen).toHaveLength(500)
      const values = all.map((row) => sortValueOf(row, sort))
      const known = values.filter((value) => value !== null)
      expect(values.slice(0, known.length)).toEqual(known)
      const ascending = [...known].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
      expect(known).toEqual(descending ? ascending.reverse() : ascending)
    }
  })
})

it('finds names and ids by their words in any case, and traits by what they are written like', async () => {
  const find = async (filter: Partial<AccountFilter>) =>
    (await listAccounts(database, TENANT, { ...NO_FILTER, ...filter }, pageWith({ limit: 501 }))).map(
      (row) => row.accountId,
    )
  expect(await find({ q: 'C4CA4238A0B923820DCC509A6F75849B company' })).toEqual(['acct-000001'])
  expect(await find({ q: '000001' })).toEqual(['acct-000001'])
  expect(await find({ q: 'ompany c4ca4238a' })).toEqual(['acct-000001'])
  expect(await find({ q: '%' })).toEqual([])
  expect(await find({ q: 'acct_000001' })).toEqual([])
  expect(await find({ traits: { seats: '77', plan: 'pro' } })).not.toEqual([])
  expect(await find({ traits: { seats: '77', plan: 'nothing' } })).toEqual([])
  expect(await find({ q: '000100' })).toEqual([])
})

it('drops an account from the list with the account itself', async () => {
  const gone = async () =>
    (await listAccounts(database, TENANT, { ...NO_FILTER, q: 'acct-000002' }, pageWith({}))).length === 0
  expect(await gone()).toBe(false)
  await database.query(`delete from scoring.account where account_id = 'acct-000002'`)
  expect(await gone()).toBe(true)
})

it('follows flushes in rounds of so many rows of the log, each flush whole, and one follower at a time', async () => {
  const flushes = 30
  await database.query(
    `insert into scoring.account_log (tenant_id, account_id, version, partition, position, at, frame, events_at, events_length, change_length)
     select $1, 'acct-' || lpad((101 + k % 3)::text, 6, '0'), 2 + k, 1, 1 + k / 4, now(), 0, 0, 0, 0
     from generate_series(0, ${flushes * 4 - 1}) k`,
    [TENANT],
  )
  await database.query('insert into scoring.partition_head (partition, position) values (1, $1)', [flushes])
  await database.query(`update scoring.account set band = 'healthy', score = 99.5 where account_id = 'acct-000101'`)
  const rounds: number[] = []
  for (let behind = true; behind; )
    await database.transaction(async (tx) => {
      expect(await tryAccountListLock(tx)).toBe(true)
      expect(await database.transaction(tryAccountListLock)).toBe(false)
      const waiting = database.transaction((other) => awaitAccountListLock(other, 20))
      await expect(waiting).rejects.toMatchObject({ cause: { code: LOCK_NOT_AVAILABLE } })
      const followed = await projectFlushes(tx, 30)
      rounds.push(followed.accounts)
      behind = followed.behind
    })
  // A round takes 30 rows and the rest of the flush of the next: 8 of the 30 flushes.
  expect(rounds).toEqual([3, 3, 3, 3])
  const [found] = await listAccounts(database, TENANT, { ...NO_FILTER, q: 'acct-000101' }, pageWith({}))
  expect(found).toMatchObject({ band: 'healthy', score: 99.5 })
})
