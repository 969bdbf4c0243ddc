import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { createAccount } from '../core/account/account.ts'
import { refold } from '../core/account/adopt-model.ts'
import { encodeWhole } from '../core/codec/account-bytes.ts'
import { STATE_LAYOUT } from '../core/codec/state-codec.ts'
import { loadCountedEvents } from '../log/event-store.ts'
import type { LiveModels } from '../models/live-models.ts'
import { loadAccounts, type StoredAccount } from './account-store.ts'

/** Accounts as last written, and their models. A state of a former layout is folded anew. */
export const loadStored = async (
  sql: Sql,
  keys: readonly AccountKey[],
  liveModels: LiveModels,
): Promise<readonly StoredAccount[]> => {
  const rows = await loadAccounts(sql, keys)
  await liveModels.load(rows)
  return rows.every(isCurrent)
    ? rows
    : Promise.all(rows.map((row) => (isCurrent(row) ? row : foldAgain(sql, row, liveModels))))
}

const isCurrent = ({ state }: StoredAccount): boolean => state[0] === STATE_LAYOUT

const foldAgain = async (sql: Sql, row: StoredAccount, liveModels: LiveModels): Promise<StoredAccount> => {
  const model = liveModels.version(row)
  const context = { model, zone: liveModels.zone, now: row.evaluatedAt }
  const { state, interactions } = refold(await loadCountedEvents(sql, row), createAccount(row, model), context)
  return { ...row, state: encodeWhole(state, interactions) }
}
