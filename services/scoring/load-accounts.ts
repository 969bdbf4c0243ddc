import type { Band } from '#libs/contracts/account-health.ts'
import { accountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import type { AccountCache } from './account-cache.ts'
import {
  type AccountKey,
  loadAccounts,
  loadIds,
  loadPastScores,
  loadUserPages,
  type PageKey,
  type StoredAccount,
} from './account-store.ts'
import { type Account, createAccount } from './core/account.ts'
import type { ScoringContext } from './core/apply-events.ts'
import { evaluate } from './core/evaluate.ts'
import { usersPending, usersTouchedBy } from './core/fold.ts'
import { decodeState } from './core/state.ts'
import { createUserPages, pageBitsFor, relayUserPages } from './core/user-pages.ts'
import type { Wanted } from './group-records.ts'

/**
 * The accounts of a flush in memory, from the cache or the database, with the pages of every user that folding
 * will touch. One from the cache may lack its evaluation: `restoreEvaluation` right before it is used, with no wait in between.
 */
export const holdAccounts = async (
  sql: Sql,
  cache: AccountCache,
  wanted: readonly Wanted[],
  context: ScoringContext,
): Promise<Account[]> => {
  const cold = wanted.filter((item) => cache.get(item.key) === undefined)
  if (cold.length > 0) for (const account of await readAccounts(sql, cold, context)) cache.put(keyOf(account), account)
  const accounts = wanted.map((item) => cache.get(item.key)!)
  await loadTouchedPages(sql, wanted, accounts, context.now)
  await loadPast(sql, accounts, context.now)
  return accounts
}

const keyOf = (account: AccountKey): string => accountKey(account.tenantId, account.accountId)

/** Accounts as last written, new ones where the database has none. */
export const readAccounts = async (
  sql: Sql,
  keys: readonly AccountKey[],
  context: ScoringContext,
): Promise<Account[]> => {
  const stored = new Map((await loadAccounts(sql, keys)).map((row) => [accountKey(row.tenant_id, row.account_id), row]))
  const known = keys.filter((key) => stored.has(keyOf(key)))
  const ids = known.length === 0 ? [] : await loadIds(sql, known)
  const idsOf = new Map(ids.map((row) => [accountKey(row.tenant_id, row.account_id), row.ids]))
  return keys.map((key) => {
    const row = stored.get(keyOf(key))
    return row === undefined
      ? createAccount(key.tenantId, key.accountId)
      : revive(row, idsOf.get(keyOf(key)) ?? null, context)
  })
}

const revive = (row: StoredAccount, ids: Buffer | null, context: ScoringContext): Account => {
  const state = decodeState(row.state)
  const account: Account = {
    ...createAccount(row.tenant_id, row.account_id),
    version: row.version,
    sequence: row.sequence,
    state,
    users: createUserPages(row.user_page_bits),
    override: row.override,
    firstChangeAt: row.first_change_at,
    past: {},
    evaluated: { at: row.evaluated_at, band: row.band as Band },
  }
  if (ids !== null) account.ids.addEncoded(ids)
  restoreEvaluation(account, context)
  return account
}

/** The evaluation is a pure function of what was written, so neither database nor cache keeps it. */
export const restoreEvaluation = (account: Account, context: ScoringContext): void => {
  if (account.evaluated === null || account.evaluation !== null) return
  account.evaluation = evaluate({
    state: account.state,
    model: context.model,
    zone: context.zone,
    at: account.evaluated.at,
    previousBand: account.evaluated.band,
    override: account.override,
    sources: context.sources,
  })
}

const loadTouchedPages = async (
  sql: Sql,
  wanted: readonly Wanted[],
  accounts: readonly Account[],
  now: number,
): Promise<void> => {
  const missing: PageKey[] = []
  const owners: Account[] = []
  for (let i = 0; i < wanted.length; i++) {
    const account = accounts[i]!
    const pages = new Set<number>()
    const need = (page: number): void => {
      if (!account.users.isLoaded(page)) pages.add(page)
    }
    const bits = account.users.bits()
    if (bits === 0) need(0)
    else if (pageBitsFor(account.state.userCount, bits) > bits) for (let page = 0; page < 2 ** bits; page++) need(page)
    else {
      for (const event of wanted[i]!.read().events) {
        for (const userId of usersTouchedBy(account.state, event)) need(account.users.pageOf(userId))
      }
      for (const userId of usersPending(account.state, now)) need(account.users.pageOf(userId))
    }
    for (const page of pages) {
      missing.push({ tenantId: account.tenantId, accountId: account.accountId, page })
      owners.push(account)
    }
  }
  if (missing.length > 0) {
    const rows = await loadUserPages(sql, missing)
    const found = new Map(rows.map((row) => [`${row.page}:${accountKey(row.tenant_id, row.account_id)}`, row.users]))
    for (const [i, page] of missing.entries())
      owners[i]!.users.load(page.page, found.get(`${page.page}:${keyOf(page)}`))
  }
  for (const account of accounts) {
    const bits = pageBitsFor(account.state.userCount, account.users.bits())
    if (bits > account.users.bits()) account.users = relayUserPages(account.users, bits)
  }
}

const PAST_DAYS = [7, 28] as const

/** Looks up the scores of 7 and 28 days ago where what is known of them no longer holds. */
const loadPast = async (sql: Sql, accounts: readonly Account[], now: number): Promise<void> => {
  for (const days of PAST_DAYS) {
    const before = now - days * DAY_MS
    const stale = accounts.filter((account) => {
      if (account.firstChangeAt === null || account.firstChangeAt > before) return false
      const past = account.past[days]
      return past === undefined || past === null || (past.nextAt !== null && past.nextAt <= before)
    })
    if (stale.length === 0) continue
    const found = new Map((await loadPastScores(sql, stale, before)).map((row) => [keyOf(row), row.past]))
    for (const account of stale) account.past[days] = found.get(keyOf(account)) ?? null
  }
}
