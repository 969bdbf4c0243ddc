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
import { eraseInEverySchema, insertErasedAccount, lockAccount } from './erasure-store.ts'
import { deleteUnusedFrames, listPlaces } from './frame-store.ts'
import { eraseEntry, rewriteFrames } from './rewrite-frames.ts'

/**
 * Erases an account. When it resolves, no schema of the database has anything of the account, nor
 * has any topic of the built-in log. Throws a 404 for an account that the tenant never had.
 *
 * What is erased, and where it is written down:
 * - `access.erase_account` (libs/access/migrations/003_erasure.sql) calls the function
 *   `forget_account` of every schema that has one. Each of them calls `access.delete_account_rows`,
 *   which deletes the account's rows from every table of its schema that has the columns
 *   `tenant_id` and `account_id`. So neither the schemas nor the tables are named anywhere.
 * - `access.forget_account` (the same file): the audit log keeps its rows, with a hash for the id
 *   and without details.
 * - `scoring.forget_account` (migrations/003_erasure.sql): how far a re-evaluation has come.
 * - `alerting.forget_account` (services/alerting/migrations/007): bodies of webhooks, digests that
 *   name the account, waiting alert events, silences. Transitions of alerts cascade.
 * - `rewriteFrames` (rewrite-frames.ts): events and changes in the frames of scoring's log, which
 *   accounts share.
 * - `bus.forget` (libs/bus/postgres/forget.ts): the records of the account in every topic of the
 *   built-in log, dead letters included. Kafka keeps its records until their retention ends.
 *
 * A tombstone (accounts/tombstone-store.ts, and one in alerting) keeps the account from coming back
 * by a replay. docs/erasure.md says what remains; tests/architecture/erasure.test.ts says of every
 * table of the database how an erasure reaches it.
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
  // An account that is erased already is erased again, up to now: events on their way are erased
  // too.
  const erased = (await loadErasures(tx, [key])).get(accountKey(key.tenantId, key.accountId))
  const known = account ?? (erased?.accountAt == null ? undefined : erased)
  if (known === undefined) throw notFound('account')
  const [version, sequence] = [known.version + VERSION_GAP, known.sequence]
  await insertErasedAccount(tx, key, { erasedAt: clock.now(), version, sequence })
  const places = await listPlaces(tx, key)
  const hash = await eraseInEverySchema(tx, key, sequence)
  await deleteUnusedFrames(tx, places)
  await rewriteFrames(tx, places, eraseEntry)
  await recordAudit(tx, principal, { action: 'account.erased', subject: hash })
  return hash
}
