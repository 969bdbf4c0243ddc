import type { Band } from '#libs/contracts/account-health.ts'
import { type AccountKey, accountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import { type Account, createAccount, PAST, PAST_DAYS } from '../core/account/account.ts'
import { evaluateAt, type ScoringContext } from '../core/account/evaluate-account.ts'
import { decodeAccount } from '../core/codec/account-bytes.ts'
import { createUserPages } from '../core/state/user-pages.ts'
import type { LiveModels } from '../models/live-models.ts'
import type { AccountCache } from './account-cache.ts'
import type { AccountRequest } from './account-request.ts'
import { loadIds, loadPastScores, type StoredAccount } from './account-store.ts'
import { loadTouchedPages } from './load-pages.ts'
import { loadStored } from './load-stored.ts'
import { loadErasures } from './tombstone-store.ts'

/**
 * The accounts of a flush in memory, from the cache or the database, with the pages of every user and
 * dealing that folding will touch. They are in flight from now on, or none is when it throws. They may lack their evaluation: `restoreEvaluation` right before it is used, with no wait in between.
 */
export const holdAccounts = async (
  sql: Sql,
  cache: AccountCache,
  wanted: readonly AccountRequest[],
  { liveModels, now }: { readonly liveModels: LiveModels; readonly now: number },
): Promise<Account[]> => {
  const held = new Map<string, Account>()
  const hold = (key: string, account: Account): void => {
    account.inFlight++
    held.set(key, account)
  }
  const cold = wanted.filter(({ key }) => {
    const account = cache.get(key)
    if (account !== undefined) hold(key, account)
    return account === undefined
  })
  try {
    for (const account of cold.length === 0 ? [] : await readAccounts(sql, cold, liveModels, { withIds: true })) {
      const key = keyOf(account)
      cache.put(key, account)
      hold(key, account)
    }
    const accounts = wanted.map(({ key }) => held.get(key)!)
    await loadTouchedPages(sql, wanted, accounts, now)
    await loadPast(sql, accounts, now)
    return accounts
  } catch (error) {
    for (const account of held.values()) account.inFlight--
    throw error
  }
}

const keyOf = (account: AccountKey): string => accountKey(account.tenantId, account.accountId)

/**
 * Accounts as last written, without their evaluation; new ones where the database has none. Without the ids of what they have counted
 * they can be looked at, but must not be given events.
 */
export const readAccounts = async (
  sql: Sql,
  keys: readonly AccountKey[],
  liveModels: LiveModels,
  { withIds }: { readonly withIds: boolean },
): Promise<Account[]> => {
  const rows = await loadStored(sql, keys, liveModels)
  const stored = new Map(rows.map((row) => [accountKey(row.tenant_id, row.account_id), row]))
  const known = keys.filter((key) => stored.has(keyOf(key)))
  const ids = known.length === 0 || !withIds ? [] : await loadIds(sql, known)
  const idsOf = new Map(ids.map((row) => [accountKey(row.tenant_id, row.account_id), row.ids]))
  // After the accounts: one that is found gone was erased, and its tombstone is there.
  const erased = await loadErasures(sql, keys)
  return keys.map((key) => {
    const row = stored.get(keyOf(key))
    const erasures = erased.get(keyOf(key)) ?? null
    return row === undefined
      ? createAccount(key, liveModels.modelFor(key.tenantId, NO_TRAITS), erasures)
      : revive(createAccount(key, liveModels.version(row), erasures), row, idsOf.get(keyOf(key)) ?? null)
  })
}

const NO_TRAITS = {}

const revive = (blank: Account, row: StoredAccount, ids: Buffer | null): Account => {
  const account: Account = {
    ...blank,
    ...decodeAccount(row.state),
    version: row.version,
    sequence: row.sequence,
    users: createUserPages(row.user_page_bits),
    override: row.override,
    firstChangeAt: row.first_change_at,
    past: {},
    evaluated: { at: row.evaluated_at, band: row.band as Band, healthySince: row.healthy_since },
  }
  if (ids !== null) account.ids.addEncoded(ids)
  return account
}

/** The evaluation is a pure function of what was written, so neither database nor cache keeps it. */
export const restoreEvaluation = (account: Account, context: ScoringContext): void => {
  if (account.evaluated === null || account.evaluation !== null) return
  account.evaluation = evaluateAt(account, context, account.evaluated.at, account.evaluated)
}

/** It is large, and would outlive many a collection before the account is touched again. */
export const forgetEvaluation = (account: Account): void => {
  if (account.evaluation === null) return
  const { at, band, healthySince } = account.evaluation
  account.evaluated = { at, band, healthySince }
  account.evaluation = null
}

/** Looks up the scores of 7 and 28 days ago where what is known of them no longer holds. */
const loadPast = async (sql: Sql, accounts: readonly Account[], now: number): Promise<void> => {
  for (const name of PAST) {
    const before = now - PAST_DAYS[name] * DAY_MS
    const stale = accounts.filter((account) => {
      if (account.firstChangeAt === null || account.firstChangeAt > before) return false
      const past = account.past[name]
      return past === undefined || past === null || (past.nextAt !== null && past.nextAt <= before)
    })
    if (stale.length === 0) continue
    const found = new Map((await loadPastScores(sql, stale, before)).map((row) => [keyOf(row), row.past]))
    for (const account of stale) account.past[name] = found.get(keyOf(account)) ?? null
  }
}
