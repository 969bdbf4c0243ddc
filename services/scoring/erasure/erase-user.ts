import { recordAudit } from '#libs/access/audit-store.ts'
import type { Principal } from '#libs/access/keyring.ts'
import { shownHash, type Tombstones } from '#libs/access/tombstones.ts'
import type { Bus, BusRecord } from '#libs/bus/bus.ts'
import { partitionOf } from '#libs/bus/murmur2.ts'
import { type AccountKey, accountKey } from '#libs/contracts/topics.ts'
import { notFound } from '#libs/http/problems/problem.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { type AccountCache, createAccountCache } from '../accounts/account-cache.ts'
import { requestOf } from '../accounts/account-request.ts'
import { withAccounts } from '../accounts/with-accounts.ts'
import { type FlushPosition, writeFlush } from '../accounts/write-flush.ts'
import { refold } from '../core/account/adopt-model.ts'
import { applyErasure } from '../core/account/apply-erasure.ts'
import { applyEvents } from '../core/account/apply-events.ts'
import { type Redaction, redactEvent, redactValue } from '../core/events/redact.ts'
import { retryOnConflict } from '../flush/retry-on-conflict.ts'
import type { ChangeRelay } from '../log/change-relay.ts'
import { loadCountedEvents } from '../log/event-store.ts'
import type { LiveModels } from '../models/live-models.ts'
import {
  deleteSnapshots,
  eraseUserInEverySchema,
  insertErasedUser,
  lockAccount,
  lockPartition,
} from './erasure-store.ts'
import { redactLog } from './redact-log.ts'

/** Erases a user's events and folds the account anew. Throws 404 for an unknown account or user. */
export type EraseUser = (principal: Principal, accountId: string, userId: string) => Promise<void>

type Deps = {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  readonly cache: AccountCache
  readonly relay: ChangeRelay
  readonly liveModels: LiveModels
  readonly tombstones: Tombstones
}

type Erasing = {
  readonly principal: Principal
  readonly key: AccountKey
  readonly userId: string
  readonly partition: number
}

type Erased = {
  readonly redaction: Redaction
  readonly written: FlushPosition & { readonly records: readonly BusRecord[] }
}

export const createEraseUser = (deps: Deps): EraseUser => {
  const { database, bus, clock, logger, cache, relay, liveModels, tombstones } = deps
  return async (principal, accountId, userId) => {
    const key = { tenantId: principal.tenantId, accountId }
    const keyText = accountKey(key.tenantId, accountId)
    const partition = partitionOf(keyText, await bus.partitionsOf('usage.events'))
    const { redaction, written } = await retryOnConflict(() =>
      database.transaction((tx) => erase(tx, { clock, liveModels, tombstones }, { principal, key, userId, partition })),
    )
    cache.drop(key)
    logger.info({ tenantId: key.tenantId, hash: shownHash(tombstones.ofUser(key, userId).hash) }, 'user erased')
    await relay.offer({ partition, ...written })
    await bus.forget(keyText, (value) => redactValue(value, redaction))
  }
}

const erase = async (
  tx: Sql,
  { clock, liveModels, tombstones }: Pick<Deps, 'clock' | 'liveModels' | 'tombstones'>,
  { principal, key, userId, partition }: Erasing,
): Promise<Erased> => {
  // In the order in which a flush locks them.
  await lockPartition(tx, partition)
  if ((await lockAccount(tx, key)) === undefined) throw notFound('account')
  const now = clock.now()
  const hashes = tombstones.ofUser(key, userId)
  const events = await loadCountedEvents(tx, key)
  const redacted = events.map((event) => redactEvent(event, userId))
  const kept = redacted.filter((event) => event !== null)
  const isNamed = redacted.some((event, i) => event !== events[i])
  const gone = new Set(events.flatMap(({ id }, i) => (redacted[i] === null ? [id] : [])))

  return withAccounts(
    { sql: tx, cache: createAccountCache(0), liveModels, tombstones },
    {
      requests: [requestOf(key, [])],
      now,
      partition,
      change: (account, { events: none, evaluate }, context) => {
        // A user may be erased again: that erases the events that were on their way.
        if (!isNamed && account.erasures?.userErasedAt?.(userId) === undefined) throw notFound('user')
        const { entries } = applyEvents(account, none, evaluate, context)
        return [...entries, applyErasure(account, refold(kept, account, context), context)]
      },
      write: async (rows, [account]) => {
        const { traits } = account!.state
        const redaction = { userId, traits, gone }
        await insertErasedUser(tx, key, hashes, now)
        await redactLog(tx, key, redaction)
        await eraseUserInEverySchema(tx, key, userId, traits)
        const detail = { user: shownHash(hashes.hash) }
        await recordAudit(tx, principal, { action: 'user.erased', subject: key.accountId, detail })
        const position = await writeFlush(tx, partition, rows)
        // After the flush, which copies the account as it was if it is the first of a month.
        await deleteSnapshots(tx, key)
        return { redaction, written: { ...position, records: rows.messages() } }
      },
    },
  )
}
