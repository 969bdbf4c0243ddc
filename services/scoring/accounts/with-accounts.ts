import type { Tombstones } from '#libs/access/tombstones.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { type Account, exists } from '../core/account/account.ts'
import type { LogEntry } from '../core/account/apply-events.ts'
import { evaluateAt, type ScoringContext } from '../core/account/evaluate-account.ts'
import type { LiveModels } from '../models/live-models.ts'
import type { AccountCache } from './account-cache.ts'
import type { AccountEvents, AccountRequest } from './account-request.ts'
import { createFlushRows, type FlushRows } from './flush-rows.ts'
import { loadAccounts } from './load-accounts.ts'
import { findModelSwitches, NO_SWITCHES, placeNewAccount, scheduleModelSwitch, switchModel } from './switch-model.ts'

export type AccountWork<Result> = {
  readonly requests: readonly AccountRequest[]
  readonly now: number
  readonly partition: number
  /** Changes an account, which has its evaluation, in one step. Answers the entries for its log. */
  readonly change: (account: Account, given: AccountEvents, context: ScoringContext) => readonly LogEntry[]
  /** Resolves when the staged rows are durable. */
  readonly write: (rows: FlushRows, accounts: readonly Account[]) => Promise<Result>
  /** Given: accounts may switch models once this resolves. Absent: a switch is only scheduled. */
  readonly earlierWritten?: Promise<void>
}

type Deps = {
  readonly sql: Sql
  readonly cache: AccountCache
  readonly liveModels: LiveModels
  readonly tombstones: Tombstones
  /** Empty rows to stage into. */
  readonly rows?: FlushRows
}

/**
 * The one way in which accounts change. Memory runs ahead of the database until `write` resolves,
 * so no account leaves the cache. If anything fails, all accounts are dropped and read again.
 */
export const withAccounts = async <Result>(deps: Deps, work: AccountWork<Result>): Promise<Result> => {
  const { sql, cache, liveModels, tombstones, rows = createFlushRows(tombstones) } = deps
  const { requests, now, partition } = work
  const accounts = await loadAccounts(sql, cache, requests, { liveModels, tombstones, now, partition })
  try {
    await changeAccounts({ ...deps, rows }, work, accounts)
    return await work.write(rows, accounts)
  } catch (error) {
    for (const account of accounts) cache.drop(account)
    throw error
  } finally {
    cache.release(accounts)
  }
}

const changeAccounts = async <Result>(
  { sql, liveModels, rows }: Deps & { readonly rows: FlushRows },
  { requests, now, change, earlierWritten }: AccountWork<Result>,
  accounts: readonly Account[],
): Promise<void> => {
  const switches =
    earlierWritten === undefined
      ? NO_SWITCHES
      : await findModelSwitches(sql, liveModels, { accounts, now, written: earlierWritten })
  for (const [i, account] of accounts.entries()) {
    const baseVersion = exists(account) ? account.version : 0
    const given = requests[i]!.take()
    if (baseVersion === 0) placeNewAccount(liveModels, account, given.events, now)
    const former = liveModels.contextOf(account, now)
    // Nothing waits from here until the evaluation is dropped.
    restoreEvaluation(account, former)
    const switched = switchModel(switches, account, former)
    const context = switched === null ? former : liveModels.contextOf(account, now)
    const changes = change(account, given, context)
    const entries = switched === null ? changes : [switched, ...changes]
    if (entries.length > 0) {
      scheduleModelSwitch(liveModels, account, now)
      rows.stage({ account, baseVersion, entries, context })
    }
    dropEvaluation(account)
    const room = rows.room()
    if (room !== null) await room
  }
}

/** The evaluation follows from the state, so neither the database nor the cache keeps it. */
const restoreEvaluation = (account: Account, context: ScoringContext): void => {
  if (account.evaluated === null || account.evaluation !== null) return
  account.evaluation = evaluateAt(account, context, account.evaluated.at, account.evaluated)
}

/** An evaluation is large, and would outlive many garbage collections before its next use. */
const dropEvaluation = (account: Account): void => {
  if (account.evaluation === null) return
  const { at, band, healthySince } = account.evaluation
  account.evaluated = { at, band, healthySince }
  account.evaluation = null
}
