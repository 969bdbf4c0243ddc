import { recordAudit } from '#libs/access/audit-store.ts'
import type { Principal } from '#libs/access/keyring.ts'
import type { Bus, BusRecord } from '#libs/bus/bus.ts'
import { partitionOf } from '#libs/bus/murmur2.ts'
import { type AccountKey, accountKey } from '#libs/contracts/topics.ts'
import { notFound } from '#libs/http/problems/problem.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { type AccountCache, createAccountCache } from '../accounts/account-cache.ts'
import { requestOf } from '../accounts/account-request.ts'
import { createFlushRows } from '../accounts/flush-columns.ts'
import { holdAccounts, restoreEvaluation } from '../accounts/load-accounts.ts'
import { addAccount } from '../accounts/stage-account.ts'
import { scheduleModelSwitch } from '../accounts/switch-model.ts'
import { type FlushPosition, writeFlush } from '../accounts/write-flush.ts'
import { refold } from '../core/account/adopt-model.ts'
import { applyErasure } from '../core/account/apply-erasure.ts'
import { applyEvents } from '../core/account/apply-events.ts'
import { userHash } from '../core/events/erasure.ts'
import { type Redaction, redactEvent, redactValue } from '../core/events/redact.ts'
import { whileContended } from '../flush/retry-on-conflict.ts'
import type { ChangeRelay } from '../log/change-relay.ts'
import { loadCountedEvents } from '../log/event-store.ts'
import type { LiveModels } from '../models/live-models.ts'
import { eraseUserElsewhere, insertErasedUser, lockAccount, lockPartition } from './erasure-store.ts'
import { redactLog } from './redact-log.ts'

/**
 * Erases one user of an account: their events are gone, and the account is what the others add up to. Throws a 404 for an account that the
 * tenant does not have and for a user that no event names.
 */
export type EraseUser = (principal: Principal, accountId: string, userId: string) => Promise<void>

type Deps = {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  readonly cache: AccountCache
  readonly relay: ChangeRelay
  readonly liveModels: LiveModels
}

type Erasing = {
  readonly principal: Principal
  readonly key: AccountKey
  readonly userId: string
  readonly partition: number
}

export const createEraseUser = (deps: Deps): EraseUser => {
  const { database, bus, clock, logger, cache, relay, liveModels } = deps
  return async (principal, accountId, userId) => {
    const key = { tenantId: principal.tenantId, accountId }
    const keyText = accountKey(key.tenantId, accountId)
    const partition = partitionOf(keyText, await bus.partitionsOf('usage.events'))
    const done = await whileContended(() =>
      database.transaction((tx) => erase(tx, { clock, liveModels }, { principal, key, userId, partition })),
    )
    cache.drop(keyText)
    logger.info({ tenantId: key.tenantId, hash: userHash(key, userId) }, 'user erased')
    await relay.offer({ partition, ...done.written })
    await bus.forget(keyText, (value) => redactValue(value, done.redaction))
  }
}

type Done = {
  readonly redaction: Redaction
  readonly written: FlushPosition & { readonly records: readonly BusRecord[] }
}

const erase = async (
  tx: Sql,
  { clock, liveModels }: Pick<Deps, 'clock' | 'liveModels'>,
  erasing: Erasing,
): Promise<Done> => {
  const { principal, key, userId, partition } = erasing
  // In the order in which a flush locks them.
  await lockPartition(tx, partition)
  if ((await lockAccount(tx, key)) === undefined) throw notFound('account')
  const now = clock.now()
  const own = createAccountCache(0)
  const account = (await holdAccounts(tx, own, [requestOf(key, [])], { liveModels, now }))[0]!
  const hash = userHash(key, userId)

  const events = await loadCountedEvents(tx, key)
  const kept = events.map((event) => redactEvent(event, userId))
  // One that is erased already is erased anew, up to now: events on their way go too.
  const isKnown = account.erasures?.users.has(hash) || kept.some((event, i) => event !== events[i])
  if (!isKnown) throw notFound('user')
  const base = account.version
  const context = liveModels.contextOf(account, now)
  restoreEvaluation(account, context)
  const entries = [...applyEvents(account, [], true, context).entries]
  const refolded = refold(
    kept.filter((event) => event !== null),
    account,
    context,
  )
  entries.push(applyErasure(account, refolded, context))
  scheduleModelSwitch(liveModels, account, now)
  const records: BusRecord[] = []
  const rows = createFlushRows()
  addAccount(rows, records, { account, base, entries, context })

  const { traits } = account.state
  await insertErasedUser(tx, key, hash, now)
  const gone = new Set(events.flatMap(({ id }, i) => (kept[i] === null ? [id] : [])))
  const redaction = { userId, traits, gone }
  await redactLog(tx, key, redaction)
  await eraseUserElsewhere(tx, key, userId, traits)
  const detail = { user: `sha256:${hash}` }
  await recordAudit(tx, principal, { action: 'user.erased', subject: key.accountId, detail })
  return { redaction, written: { ...(await writeFlush(tx, partition, rows)), records } }
}
