import { type AuditEntry, recordAudit } from '#libs/access/audit-store.ts'
import type { Principal } from '#libs/access/keyring.ts'
import type { Tombstones } from '#libs/access/tombstones.ts'
import type { Bus } from '#libs/bus/bus.ts'
import { partitionOf } from '#libs/bus/murmur2.ts'
import { type AccountKey, accountKey } from '#libs/contracts/topics.ts'
import { notFound } from '#libs/http/problems/problem.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import { type AccountCache, createAccountCache } from '../accounts/account-cache.ts'
import { requestOf } from '../accounts/account-request.ts'
import { withAccounts } from '../accounts/with-accounts.ts'
import { writeFlush } from '../accounts/write-flush.ts'
import { type Account, exists } from '../core/account/account.ts'
import type { LogEntry } from '../core/account/apply-events.ts'
import type { ScoringContext } from '../core/account/evaluate-account.ts'
import type { ReceivedEvent } from '../core/events/parse-event.ts'
import type { ChangeRelay } from '../log/change-relay.ts'
import type { LiveModels } from '../models/live-models.ts'
import { retryOnConflict } from './retry-on-conflict.ts'

type Deps = {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly cache: AccountCache
  readonly relay: ChangeRelay
  readonly liveModels: LiveModels
  readonly tombstones: Tombstones
}

/** A person's action on an account. */
export type AccountCommand = {
  /** The events that `apply` counts. */
  readonly events?: readonly ReceivedEvent[]
  readonly apply: (account: Account, context: ScoringContext) => readonly LogEntry[]
  readonly audit: Omit<AuditEntry, 'subject'>
}

/** Applies a command with its audit row in one transaction. Throws 404 for an unknown account. */
export type ApplyCommand = (principal: Principal, accountId: string, command: AccountCommand) => Promise<void>

export const createApplyCommand = (deps: Deps): ApplyCommand => {
  const { database, bus, clock, cache, relay, liveModels, tombstones } = deps

  const applyOnce = async (principal: Principal, key: AccountKey, command: AccountCommand): Promise<void> => {
    const { events = [], apply, audit } = command
    const partition = partitionOf(accountKey(key.tenantId, key.accountId), await bus.partitionsOf('usage.events'))
    const written = await database.transaction((tx) =>
      withAccounts(
        { sql: tx, cache: createAccountCache(0), liveModels, tombstones },
        {
          requests: [requestOf(key, events)],
          now: clock.now(),
          partition,
          change: (account, _events, context) => {
            if (!exists(account)) throw notFound('account')
            return apply(account, context)
          },
          write: async (rows) => {
            await recordAudit(tx, principal, { ...audit, subject: key.accountId })
            const position = await writeFlush(tx, partition, rows)
            failpoint('scoring.change.before')
            return { ...position, records: rows.messages() }
          },
        },
      ),
    )
    failpoint('scoring.change.after')
    cache.drop(key)
    await relay.offer({ partition, ...written })
  }

  return (principal, accountId, command) =>
    retryOnConflict(() => applyOnce(principal, { tenantId: principal.tenantId, accountId }, command))
}
