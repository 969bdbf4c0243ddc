import type { BusRecord } from '#libs/bus/bus.ts'
import { accountKey } from '#libs/contracts/topics.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import type { Account } from '../core/account/account.ts'
import type { LogEntry } from '../core/account/apply-events.ts'
import { changeMessage, factsOf } from '../core/account/change-message.ts'
import type { ScoringContext } from '../core/account/evaluate-account.ts'
import type { FlushRows } from './flush-columns.ts'

type Written = {
  readonly account: Account
  readonly base: number
  readonly entries: readonly LogEntry[]
  readonly context: ScoringContext
}

/** Puts an account that moved on into a flush, with the messages its changes are. */
export const addAccount = (rows: FlushRows, messages: BusRecord[], written: Written): void => {
  const { account, base, entries, context } = written
  const { model } = context.model
  const key = accountKey(account.tenantId, account.accountId)
  for (const entry of entries) {
    if (entry.change === null) {
      rows.addEntry(account, entry, null)
      continue
    }
    const changeId = derivedId('change', account.tenantId, account.accountId, model.id, entry.change.sequence)
    const message = changeMessage(account, entry.change, changeId, { id: model.id, version: model.version })
    const value = rows.toBytes(JSON.stringify(message))
    messages.push({ key, value })
    rows.addEntry(account, entry, value)
  }
  rows.addAccount(account, base, factsOf(account.evaluation!, account.past, account.sequence), context)
}
