import type { Tombstones } from '#libs/access/tombstones.ts'
import { type AccountKey, accountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import { type Account, createAccount, PAST, PAST_DAYS } from '../core/account/account.ts'
import { decodeAccount } from '../core/codec/account-bytes.ts'
import { createUserPages } from '../core/codec/user-pages.ts'
import type { LiveModels } from '../models/live-models.ts'
import type { AccountCache } from './account-cache.ts'
import type { AccountRequest } from './account-request.ts'
import { loadIds, loadPastScores } from './account-store.ts'
import { loadTouchedPages } from './load-pages.ts'
import { type CurrentAccount, loadStored } from './load-stored.ts'
import { loadErasures } from './tombstone-store.ts'

type LoadContext = {
  readonly liveModels: LiveModels
  readonly tombstones: Tombstones
  readonly now: number
  readonly partition: number
}

/** Loads accounts with the pages their events touch. All are in flight; none if it throws. */
export const loadAccounts = async (
  sql: Sql,
  cache: AccountCache,
  requests: readonly AccountRequest[],
  { liveModels, tombstones, now, partition }: LoadContext,
): Promise<readonly Account[]> => {
  const taken = requests.map(({ key }) => cache.take(key, partition))
  const inFlight = taken.filter((account) => account !== undefined)
  try {
    const missing = requests.filter((_, i) => taken[i] === undefined)
    const read = missing.length === 0 ? [] : await readAccounts(sql, missing, { liveModels, tombstones })
    for (const account of read) {
      cache.put(account, partition)
      inFlight.push(account)
    }
    const unread = read.values()
    const accounts = taken.map((account) => account ?? unread.next().value!)
    await loadTouchedPages(sql, requests, accounts, now)
    await loadPast(sql, accounts, now)
    return accounts
  } catch (error) {
    cache.release(inFlight)
    throw error
  }
}

const keyOf = (account: AccountKey): string => accountKey(account.tenantId, account.accountId)

/**
 * Accounts as last written, else new. Without `tombstones` they have neither event ids nor
 * erasures, and must not be given events.
 */
export const readAccounts = async (
  sql: Sql,
  keys: readonly AccountKey[],
  { liveModels, tombstones }: { readonly liveModels: LiveModels; readonly tombstones?: Tombstones },
): Promise<Account[]> => {
  const rows = await loadStored(sql, keys, liveModels)
  const stored = new Map(rows.map((row) => [keyOf(row), row]))
  const known = keys.filter((key) => stored.has(keyOf(key)))
  const ids = known.length === 0 || !tombstones ? [] : await loadIds(sql, known)
  const idsOf = new Map(ids.map((row) => [keyOf(row), row.ids]))
  // Tombstones are read last: an account that an erasure has removed then has its tombstone.
  const erased = tombstones && (await loadErasures(sql, keys, tombstones))
  return keys.map((key) => {
    const row = stored.get(keyOf(key))
    const erasures = erased?.get(keyOf(key)) ?? null
    return row === undefined
      ? createAccount(key, liveModels.modelFor(key.tenantId, NO_TRAITS), erasures)
      : revive(createAccount(key, liveModels.version(row), erasures), row, idsOf.get(keyOf(key)) ?? null)
  })
}

const NO_TRAITS = {}

const revive = (blank: Account, row: CurrentAccount, ids: Buffer | null): Account => {
  const account: Account = {
    ...blank,
    ...decodeAccount(row.state),
    version: row.version,
    sequence: row.sequence,
    users: row.users ?? createUserPages(row.userPageBits),
    override: row.override,
    firstChangeAt: row.firstChangeAt,
    past: {},
    evaluated: { at: row.evaluatedAt, band: row.band, healthySince: row.healthySince },
  }
  if (ids !== null) account.ids.addEncoded(ids)
  return account
}

/** Reads the scores of 7 and 28 days ago where the remembered scores are outdated. */
const loadPast = async (sql: Sql, accounts: readonly Account[], now: number): Promise<void> => {
  for (const name of PAST) {
    const before = now - PAST_DAYS[name] * DAY_MS
    const stale = accounts.filter((account) => {
      if (account.firstChangeAt === null || account.firstChangeAt > before) return false
      const past = account.past[name]
      return past === undefined || past === null || (past.nextAt !== null && past.nextAt <= before)
    })
    if (stale.length === 0) continue
    const rows = await loadPastScores(sql, stale, before)
    const found = new Map(rows.map((row) => [keyOf(row), { score: row.score, nextAt: row.nextAt }]))
    for (const account of stale) account.past[name] = found.get(keyOf(account)) ?? null
  }
}
