import { type AuditEntry, recordAudit } from '#libs/access/audit-store.ts'
import type { Principal } from '#libs/access/keyring.ts'
import type { Bus, BusRecord } from '#libs/bus/bus.ts'
import { partitionOf } from '#libs/bus/murmur2.ts'
import { type AccountKey, accountKey } from '#libs/contracts/topics.ts'
import { notFound } from '#libs/http/problems/problem.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import { type AccountCache, createAccountCache } from '../accounts/account-cache.ts'
import { requestOf } from '../accounts/account-request.ts'
import { createFlushRows } from '../accounts/flush-columns.ts'
import { holdAccounts, restoreEvaluation } from '../accounts/load-accounts.ts'
import { addAccount } from '../accounts/stage-account.ts'
import { scheduleModelSwitch } from '../accounts/switch-model.ts'
import { type FlushPosition, writeFlush } from '../accounts/write-flush.ts'
import { type Account, exists } from '../core/account/account.ts'
import type { LogEntry } from '../core/account/apply-events.ts'
import type { ScoringContext } from '../core/account/evaluate-account.ts'
import type { ReceivedEvent } from '../core/events/parse-event.ts'
import type { ChangeRelay } from '../log/change-relay.ts'
import type { LiveModels } from '../models/live-models.ts'
import { whileContended } from './retry-on-conflict.ts'

type Deps = {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly cache: AccountCache
  readonly relay: ChangeRelay
  readonly liveModels: LiveModels
}

/** What a person does to an account. */
export type AccountCommand = {
  /** Events that `apply` counts. */
  readonly events?: readonly ReceivedEvent[]
  readonly apply: (account: Account, context: ScoringContext) => readonly LogEntry[]
  readonly audit: Omit<AuditEntry, 'subject'>
}

/** Does it, with one audit row in the same transaction. Throws a 404 for an account that the tenant does not have. */
export type ChangeAccount = (principal: Principal, accountId: string, command: AccountCommand) => Promise<void>

export const createApplyCommand = (deps: Deps): ChangeAccount => {
  const { database, bus, clock, cache, relay, liveModels } = deps

  const write = async (principal: Principal, key: AccountKey, command: AccountCommand): Promise<void> => {
    const { events = [], apply, audit } = command
    const keyText = accountKey(key.tenantId, key.accountId)
    const partition = partitionOf(keyText, await bus.partitionsOf('usage.events'))
    const now = clock.now()
    const messages: BusRecord[] = []
    const flushed = await database.transaction(async (tx): Promise<FlushPosition> => {
      const own = createAccountCache(0)
      const [account] = await holdAccounts(tx, own, [requestOf(key, events)], {
        liveModels,
        now,
      })
      if (account === undefined || !exists(account)) throw notFound('account')
      const base = account.version
      const context = liveModels.contextOf(account, now)
      restoreEvaluation(account, context)
      const rows = createFlushRows()
      const entries = apply(account, context)
      scheduleModelSwitch(liveModels, account, now)
      addAccount(rows, messages, { account, base, entries, context })
      await recordAudit(tx, principal, { ...audit, subject: key.accountId })
      const written = await writeFlush(tx, partition, rows)
      failpoint('scoring.change.before')
      return written
    })
    failpoint('scoring.change.after')
    cache.drop(keyText)
    await relay.offer({ partition, ...flushed, records: messages })
  }

  return (principal, accountId, command) =>
    whileContended(() => write(principal, { tenantId: principal.tenantId, accountId }, command))
}
