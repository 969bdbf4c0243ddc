import { recordAudit } from '#libs/access/audit-store.ts'
import type { Principal } from '#libs/access/keyring.ts'
import type { Bus } from '#libs/bus/bus.ts'
import { type AccountKey, accountKey } from '#libs/contracts/topics.ts'
import { notFound } from '#libs/http/problems/problem.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { AccountCache } from '../accounts/account-cache.ts'
import { loadErasures } from '../accounts/tombstone-store.ts'
import { retryOnConflict } from '../flush/retry-on-conflict.ts'
import { eraseEverywhere, insertErasedAccount, lockAccount } from './erasure-store.ts'
import { deleteUnusedFrames, listPlaces } from './frame-store.ts'
import { blank, editLog } from './rewrite-frames.ts'

/**
 * Erases an account: when it resolves, no schema of the database and, where the log is Pulso's own, no topic has anything of it. Throws
 * a 404 for an account that the tenant never had.
 */
export type EraseAccount = (principal: Principal, accountId: string) => Promise<void>

/** More than any flush adds: a row with a version below it was read before the erasure. */
const VERSION_GAP = 1_000

export const createEraseAccount = (deps: {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  readonly cache: AccountCache
}): EraseAccount => {
  const { database, bus, clock, logger, cache } = deps
  return async (principal, accountId) => {
    const key = { tenantId: principal.tenantId, accountId }
    const hash = await retryOnConflict(() => database.transaction((tx) => erase(tx, clock, principal, key)))
    logger.info({ tenantId: key.tenantId, hash }, 'account erased')
    cache.drop(key)
    await bus.forget(accountKey(key.tenantId, accountId))
  }
}

const erase = async (tx: Sql, clock: Clock, principal: Principal, key: AccountKey): Promise<string> => {
  const account = await lockAccount(tx, key)
  // An account that is erased already is erased again, up to now: events on their way are erased too.
  const erased = (await loadErasures(tx, [key])).get(accountKey(key.tenantId, key.accountId))
  const known = account ?? (erased?.accountAt == null ? undefined : erased)
  if (known === undefined) throw notFound('account')
  const [version, sequence] = [known.version + VERSION_GAP, known.sequence]
  await insertErasedAccount(tx, key, { erasedAt: clock.now(), version, sequence })
  const places = await listPlaces(tx, key)
  const hash = await eraseEverywhere(tx, key, sequence)
  await deleteUnusedFrames(tx, places)
  await editLog(tx, places, blank)
  await recordAudit(tx, principal, { action: 'account.erased', subject: hash })
  return hash
}
