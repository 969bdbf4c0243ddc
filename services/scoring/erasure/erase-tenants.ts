import { listUnerasedTenants } from '#libs/access/tenant-store.ts'
import type { Tombstones } from '#libs/access/tombstones.ts'
import type { Bus } from '#libs/bus/bus.ts'
import { accountKey, sourceKey } from '#libs/contracts/topics.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { type Repeating, repeat } from '#libs/runtime/repeat.ts'
import type { AccountCache } from '../accounts/account-cache.ts'
import { retryOnConflict } from '../flush/retry-on-conflict.ts'
import { eraseFromTables } from './erase-account.ts'
import { eraseTenantInEverySchema, listAccountIds, listSources } from './erasure-store.ts'

const EVERY_MS = 5_000
/** Records that were on their way at the deletion are scored by then; later ones are parked. */
const SETTLED_MS = 10_000
const ACCOUNTS_AT_ONCE = 100

type Deps = {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  readonly cache: AccountCache
  readonly tombstones: Tombstones
  readonly settledMs?: number
}

/**
 * Erases what deleted tenants leave behind: account by account, since accounts of several tenants
 * share frames of the log, then every row that names the tenant. A process that dies is followed by
 * another: each step may be done again.
 */
export const createTenantEraser = (deps: Deps): Repeating => {
  const { database, bus, clock, logger, cache, tombstones, settledMs = SETTLED_MS } = deps

  const eraseAccounts = async (tenantId: string, stopping: AbortSignal): Promise<number> => {
    let erased = 0
    for (;;) {
      const accountIds = await listAccountIds(database, tenantId, ACCOUNTS_AT_ONCE)
      if (accountIds.length === 0) return erased
      for (const accountId of accountIds) {
        if (stopping.aborted) return erased
        const key = { tenantId, accountId }
        await retryOnConflict(() => database.transaction((tx) => eraseFromTables(tx, { clock, tombstones }, key)))
        cache.drop(key)
        await bus.forget(accountKey(tenantId, accountId))
        erased++
      }
    }
  }

  return repeat({ clock, logger, everyMs: EVERY_MS, failure: 'deleted tenant not erased yet' }, async (stopping) => {
    for (const tenantId of await listUnerasedTenants(database, settledMs)) {
      const accounts = await eraseAccounts(tenantId, stopping)
      if (stopping.aborted) return undefined
      const sources = await listSources(database, tenantId)
      await eraseTenantInEverySchema(database, tenantId)
      for (const source of sources) await bus.forget(sourceKey(tenantId, source))
      logger.info({ tenantId, accounts }, 'tenant erased')
    }
    return undefined
  })
}
