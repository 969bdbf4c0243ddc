import type { Batch, BusRecord } from '#libs/bus/bus.ts'
import { accountKey } from '#libs/contracts/topics.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { AccountCache } from '../accounts/account-cache.ts'
import { createFlushRows, type FlushRows } from '../accounts/flush-columns.ts'
import { forgetEvaluation, holdAccounts, restoreEvaluation } from '../accounts/load-accounts.ts'
import { addAccount } from '../accounts/stage-account.ts'
import { findMoves, type Moves, moveAccount, placeNewAccount, scheduleModelSwitch } from '../accounts/switch-model.ts'
import { writeFlush } from '../accounts/write-flush.ts'
import { type Account, exists } from '../core/account/account.ts'
import { applyEvents } from '../core/account/apply-events.ts'
import { type Backfilled, createBackfillTally } from '../core/account/backfill-tally.ts'
import type { ChangeRelay } from '../log/change-relay.ts'
import type { ScoringMetrics } from '../metrics.ts'
import type { LiveModels } from '../models/live-models.ts'
import { writeBackfillFlush } from '../sources/backfill-store.ts'
import type { SourceActivityTracker } from '../sources/source-activity.ts'
import { createFlushPipeline, type FlushPipeline } from './flush-pipeline.ts'
import { createFlushQueue } from './flush-queue.ts'
import type { GroupedBatch } from './group-by-account.ts'
import { createSplitFlush } from './split-flush.ts'

export type BatchScorerDeps = {
  /** How many batches of a partition may be under way. */
  readonly mostBatches: number
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: ScoringMetrics
  readonly cache: AccountCache
  readonly relay: ChangeRelay
  readonly liveModels: LiveModels
  readonly sourceActivity: SourceActivityTracker
  readonly maxAccounts?: number
  /** Older events are parked; without it none are. */
  readonly retentionDays?: number
}

type Prepared = {
  readonly rows: FlushRows
  readonly held: readonly Account[]
  readonly accounts: number
  readonly messages: readonly BusRecord[]
  readonly backfilled: readonly Backfilled[]
  readonly events: number
  readonly duplicates: number
}

/** Accounts of one statement: a new or long unseen account is much larger in memory than its events. */
const MAX_ACCOUNTS = 2_000

/**
 * The handler of `usage.events`: reads what waits of a partition, counts it into its accounts and writes everything in one statement,
 * then hands the changes to the relay. Resolves when the flush is durable. Rejects when it is not; the accounts it touched are then read anew.
 */
export const createBatchScorer = (deps: BatchScorerDeps): ((batch: Batch) => Promise<void>) => {
  const { database, clock, cache, relay, metrics, liveModels, sourceActivity, maxAccounts = MAX_ACCOUNTS } = deps
  const pipelines = new Map<number, FlushPipeline>()
  const pipelineOf = (partition: number): FlushPipeline => {
    const pipeline = pipelines.get(partition) ?? createFlushPipeline()
    pipelines.set(partition, pipeline)
    return pipeline
  }

  /** Of flushes that are written. */
  const spareRows: FlushRows[] = []

  const prepare = async ({ wanted, unreadable }: GroupedBatch, earlierWritten: Promise<void>): Promise<Prepared> => {
    const now = clock.now()
    const held = wanted.length === 0 ? [] : await holdAccounts(database, cache, wanted, { liveModels, now })
    try {
      const moves = await findMoves(deps, { accounts: held, now, written: earlierWritten })
      return await fold({ wanted, unreadable }, held, moves, now)
    } catch (error) {
      forget(held)
      throw error
    }
  }

  const fold = async (
    { wanted, unreadable }: GroupedBatch,
    held: readonly Account[],
    moves: Moves,
    now: number,
  ): Promise<Prepared> => {
    const rows = spareRows.pop() ?? createFlushRows()
    const messages: BusRecord[] = []
    const backfills = createBackfillTally()
    let events = 0
    let duplicates = 0
    for (const [i, account] of held.entries()) {
      const base = exists(account) ? account.version : 0
      const move = moveAccount(liveModels, moves, account, now)
      const given = wanted[i]!.take()
      sourceActivity.recordActivity(account.tenantId, given.events, now)
      if (base === 0) placeNewAccount(liveModels, account, given.events, now)
      const context = liveModels.contextOf(account, now)
      // While its rows were read, the flush before may have let go of its evaluation.
      restoreEvaluation(account, context)
      const applied = applyEvents(account, given.events, given.evaluate, context)
      events += given.events.length
      duplicates += applied.duplicates
      const entries = move === null ? applied.entries : [move, ...applied.entries]
      if (entries.length > 0) {
        scheduleModelSwitch(liveModels, account, now)
        addAccount(rows, messages, { account, base, entries, context })
        backfills.add(account.tenantId, account.accountId, entries)
      }
      forgetEvaluation(account)
      const room = rows.room()
      if (room !== null) await room
    }
    await Promise.all(unreadable.splice(0).map(({ batch, record, reason }) => batch.deadLetter(record, reason)))
    const backfilled = backfills.take()
    return { rows, accounts: rows.accounts(), held, messages, backfilled, events, duplicates }
  }

  const release = (held: readonly Account[]): void => {
    for (const account of held) account.inFlight--
    cache.settle(held)
  }

  /** What is in memory has run ahead of the database: it is read again. */
  const forget = (held: readonly Account[]): void => {
    for (const { tenantId, accountId } of held) cache.drop(accountKey(tenantId, accountId))
    release(held)
  }

  const write = async (partition: number, prepared: Prepared): Promise<void> => {
    if (prepared.accounts === 0) return
    failpoint('scoring.flush.before')
    const { position, relayed } = await (prepared.backfilled.length === 0
      ? writeFlush(database, partition, prepared.rows)
      : writeBackfillFlush(database, partition, { ...prepared, now: clock.now() }))
    failpoint('scoring.flush.after')
    prepared.rows.clear()
    spareRows.push(prepared.rows)
    await relay.offer({ partition, position, relayed, records: prepared.messages })
  }

  const flushPart = async (topic: string, partition: number, part: GroupedBatch): Promise<Prepared> => {
    const startedAt = clock.now()
    let prepared: Prepared | undefined
    try {
      await pipelineOf(partition).run(
        async (earlierWritten) => {
          prepared = await prepare(part, earlierWritten)
          return prepared
        },
        (ready) => write(partition, ready),
      )
    } catch (error) {
      if (prepared !== undefined) forget(prepared.held)
      throw error
    }
    const { accounts, messages, events, duplicates } = prepared!
    release(prepared!.held)
    const took = { accounts, changes: messages.length, tookMs: clock.now() - startedAt }
    deps.logger.debug({ topic, partition, events, duplicates, ...took }, 'batch scored')
    return prepared!
  }

  const splitFlush = createSplitFlush(flushPart, maxAccounts, deps.retentionDays)
  const flush = async (batches: readonly Batch[]): Promise<void> => {
    const flushed = await splitFlush(batches)
    metrics.observeFlush({ batches, ...flushed, now: clock.now() })
  }
  return createFlushQueue({ flush, clock, mostBatches: deps.mostBatches })
}
