import { recordAudit } from '#libs/access/audit-store.ts'
import type { Principal } from '#libs/access/keyring.ts'
import { shownHash, type Tombstones } from '#libs/access/tombstones.ts'
import type { Bus } from '#libs/bus/bus.ts'
import { type AccountKey, accountKey } from '#libs/contracts/topics.ts'
import { notFound } from '#libs/http/problems/problem.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { AccountCache } from '../accounts/account-cache.ts'
import { loadErasures } from '../accounts/tombstone-store.ts'
import { retryOnConflict } from '../flush/retry-on-conflict.ts'
import { eraseInEverySchema, insertErasedAccount, lockAccount } from './erasure-store.ts'
import { deleteUnusedFrames, listPlaces } from './frame-store.ts'
import { eraseEntry, rewriteFrames } from './rewrite-frames.ts'

/**
 * Erases an account from every schema, and from every topic of the built-in log. Throws a 404 for
 * an account that the tenant never had. What erases which part:
 * - `access.erase_account` (libs/access/migrations/007) calls `forget_account` of each
 *   schema that has it. Each calls `access.delete_account_rows`, which deletes the account's rows
 *   from every table with a `tenant_id` and an `account_id`. So no schema and no table is named.
 * - `access.forget_account` (there too): audit rows stay, with a hash for the id, without details.
 * - `scoring.forget_account` (migrations/003_erasure.sql): how far a re-evaluation has come.
 * - `alerting.forget_account` (services/alerting/migrations/017): bodies of webhooks, digests that
 *   name the account, waiting alert events, silences. Transitions of alerts cascade.
 * - `rewriteFrames`: events and changes in the frames of the log, which accounts share.
 * - `bus.forget` (libs/bus/postgres/forget.ts): records of the built-in log, dead letters included.
 *   Kafka keeps its records until their retention ends.
 *
 * A tombstone, here and in alerting, keeps a replay from bringing the account back. docs/erasure.md
 * says what remains; tests/architecture/erasure.test.ts covers every table.
 */
export type EraseAccount = (principal: Principal, accountId: string) => Promise<void>

/** More than one flush adds: a write based on a read before the erasure never matches. */
const VERSION_GAP = 1_000

export const createEraseAccount = (deps: {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  readonly cache: AccountCache
  readonly tombstones: Tombstones
}): EraseAccount => {
  const { database, bus, clock, logger, cache, tombstones } = deps
  return async (principal, accountId) => {
    const key = { tenantId: principal.tenantId, accountId }
    const hash = await retryOnConflict(() =>
      database.transaction((tx) => erase(tx, { clock, tombstones }, principal, key)),
    )
    logger.info({ tenantId: key.tenantId, hash }, 'account erased')
    cache.drop(key)
    await bus.forget(accountKey(key.tenantId, accountId))
  }
}

type ErasingDeps = { readonly clock: Clock; readonly tombstones: Tombstones }

const erase = async (tx: Sql, deps: ErasingDeps, principal: Principal, key: AccountKey): Promise<string> => {
  const hash = await eraseFromTables(tx, deps, key)
  if (hash === undefined) throw notFound('account')
  await recordAudit(tx, principal, { action: 'account.erased', subject: hash })
  return hash
}

/** Answers the hash that stands for the account; undefined for an account that never was. */
export const eraseFromTables = async (
  tx: Sql,
  { clock, tombstones }: ErasingDeps,
  key: AccountKey,
): Promise<string | undefined> => {
  const account = await lockAccount(tx, key)
  // An account may be erased again: that erases the events that were on their way.
  const erased = (await loadErasures(tx, [key], tombstones)).get(accountKey(key.tenantId, key.accountId))
  const known = account ?? (erased?.accountAt == null ? undefined : erased)
  if (known === undefined) return undefined
  const [version, sequence] = [known.version + VERSION_GAP, known.sequence]
  const hash = tombstones.ofAccount(key)
  await insertErasedAccount(tx, key, { hash, erasedAt: clock.now(), version, sequence })
  const places = await listPlaces(tx, key)
  await eraseInEverySchema(tx, key, { hash, sequence })
  await deleteUnusedFrames(tx, places)
  await rewriteFrames(tx, places, eraseEntry)
  return shownHash(hash)
}
