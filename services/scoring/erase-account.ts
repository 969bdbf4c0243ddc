import { recordAudit } from '#libs/access/audit-store.ts'
import type { Principal } from '#libs/access/keyring.ts'
import type { Bus } from '#libs/bus/bus.ts'
import { accountKey } from '#libs/contracts/topics.ts'
import { notFound } from '#libs/http/problem.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { AccountCache } from './account-cache.ts'
import type { AccountKey } from './account-store.ts'
import { blank, editLog } from './edit-log.ts'
import { eraseEverywhere, insertErasedAccount, loadErasures, lockAccount } from './erasure-store.ts'
import { deleteUnusedFrames, listPlaces } from './log-edit-store.ts'
import { whileContended } from './while-contended.ts'

/**
 * Erases an account: when it resolves, no schema of the database and, where the log is Pulso's own, no topic has anything of it. Throws
 * a 404 for an account that the tenant never had; of one that is erased already it makes sure.
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
    const hash = await whileContended(() => database.transaction((tx) => erase(tx, principal, key, clock.now())))
    if (hash !== null) logger.info({ tenantId: key.tenantId, hash }, 'account erased')
    cache.drop(accountKey(key.tenantId, accountId))
    await bus.forget(accountKey(key.tenantId, accountId))
  }
}

const erase = async (tx: Sql, principal: Principal, key: AccountKey, erasedAt: number): Promise<string | null> => {
  const account = await lockAccount(tx, key)
  if (account === undefined) {
    if ((await loadErasures(tx, [key])).length === 0) throw notFound('account')
    return null
  }
  const { version, sequence } = account
  await insertErasedAccount(tx, key, { erasedAt, version: version + VERSION_GAP, sequence })
  const places = await listPlaces(tx, key)
  const hash = await eraseEverywhere(tx, key, sequence)
  await deleteUnusedFrames(tx, places)
  await editLog(tx, places, blank)
  await recordAudit(tx, principal, { action: 'account.erased', subject: hash })
  return hash
}
