import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { emptyCounters } from '../core/account/adopt-model.ts'
import { encodeWhole } from '../core/codec/account-bytes.ts'
import { convertState, isCurrentLayout } from '../core/codec/state-layouts.ts'
import type { UserPages } from '../core/codec/user-pages.ts'
import { type FoldContext, foldEvent } from '../core/state/fold.ts'
import { loadCountedEvents } from '../log/event-store.ts'
import type { LiveModels } from '../models/live-models.ts'
import { loadAccounts, type StoredAccount } from './account-store.ts'

/** `users`: all its pages, to be written with it, where the account was folded anew. */
export type CurrentAccount = StoredAccount & { readonly users?: UserPages }

/**
 * Accounts as last written, and their models. States of a former layout are rare: what a replica of
 * the release before writes during an upgrade. One is folded at a time, so that a flush of many
 * takes one connection and one frame.
 */
export const loadStored = async (
  sql: Sql,
  keys: readonly AccountKey[],
  liveModels: LiveModels,
): Promise<readonly CurrentAccount[]> => {
  const rows = await loadAccounts(sql, keys)
  await liveModels.load(rows)
  if (rows.every(({ state }) => isCurrentLayout(state))) return rows
  const current: CurrentAccount[] = []
  for (const row of rows) {
    const state = convertState(row.state)
    current.push(state === null ? await foldAgain(sql, row, liveModels) : { ...row, state })
  }
  return current
}

const foldAgain = async (sql: Sql, row: StoredAccount, liveModels: LiveModels): Promise<CurrentAccount> => {
  const counters = emptyCounters(row.userPageBits, 0)
  const context = storedFoldContext(row, liveModels)
  for (const event of await loadCountedEvents(sql, row)) foldEvent(counters, event, context)
  return { ...row, state: encodeWhole(counters.state, counters.interactions), users: counters.users }
}

/** The context that an account's stored state was folded in. Its model must be loaded. */
export const storedFoldContext = (row: StoredAccount, liveModels: LiveModels): FoldContext => ({
  model: liveModels.version(row),
  zone: liveModels.zone,
  now: row.evaluatedAt,
})
