import { recordAudit } from '#libs/access/audit-store.ts'
import type { Principal } from '#libs/access/keyring.ts'
import type { Bus, BusRecord } from '#libs/bus/bus.ts'
import { partitionOf } from '#libs/bus/murmur2.ts'
import { accountKey } from '#libs/contracts/topics.ts'
import { notFound } from '#libs/http/problem.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import { type AccountCache, createAccountCache } from './account-cache.ts'
import { createFlushRows } from './account-rows.ts'
import { type AccountKey, type Flushed, writeFlush } from './account-store.ts'
import type { Catalog } from './catalog.ts'
import { exists } from './core/account.ts'
import { applyCause } from './core/apply-events.ts'
import type { Override } from './core/evaluation.ts'
import { holdAccounts, restoreEvaluation } from './load-accounts.ts'
import { markMisplaced } from './move-accounts.ts'
import type { ChangeRelay } from './relay-changes.ts'
import { addAccount } from './score-batch.ts'

type Deps = {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly cache: AccountCache
  readonly relay: ChangeRelay
  readonly catalog: Catalog
}

/** Sets (or, with null, removes) the account's override: one change with cause `override` and one audit row, in one transaction. */
export type SetOverride = (principal: Principal, accountId: string, override: Override | null) => Promise<void>

/** A person's change may meet a flush of the same account: then the account is read again. */
const TRIES = 5

export const createSetOverride = (deps: Deps): SetOverride => {
  const { database, bus, clock, cache, relay, catalog } = deps

  const write = async (principal: Principal, key: AccountKey, override: Override | null): Promise<void> => {
    const keyText = accountKey(key.tenantId, key.accountId)
    const partition = partitionOf(keyText, await bus.partitionsOf('usage.events'))
    const now = clock.now()
    const messages: BusRecord[] = []
    const flushed = await database.transaction(async (tx): Promise<Flushed> => {
      const own = createAccountCache({ maxAccounts: 1, maxIds: 0 })
      const [account] = await holdAccounts(
        tx,
        own,
        [{ ...key, key: keyText, read: () => ({ events: [], due: true }) }],
        { catalog, now },
      )
      if (account === undefined || !exists(account)) throw notFound('account')
      const base = account.version
      const context = catalog.contextOf(account, now)
      restoreEvaluation(account, context)
      account.override = override
      const rows = createFlushRows()
      const entries = [applyCause(account, 'override', context)]
      markMisplaced(catalog, account, now)
      addAccount(rows, messages, { account, base, entries, context })
      await recordAudit(tx, principal, {
        action: override === null ? 'override.removed' : 'override.set',
        subject: key.accountId,
        detail: override === null ? {} : { ...override },
      })
      const written = await writeFlush(tx, partition, rows)
      failpoint('scoring.override.before')
      return written
    })
    failpoint('scoring.override.after')
    cache.drop(keyText)
    await relay.offer({ partition, ...flushed, records: messages })
  }

  return async (principal, accountId, override) => {
    const key = { tenantId: principal.tenantId, accountId }
    for (let attempt = 1; ; attempt++) {
      try {
        return await write(principal, key, override)
      } catch (error) {
        if (!(error instanceof UnavailableError) || attempt === TRIES) throw error
      }
    }
  }
}
