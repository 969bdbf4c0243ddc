import type { RecordSigner } from '#libs/access/record-signer.ts'
import type { TenantStates } from '#libs/access/tenant-states.ts'
import type { Tombstones } from '#libs/access/tombstones.ts'
import type { Batch } from '#libs/bus/bus.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { AccountCache } from '../accounts/account-cache.ts'
import { createFlushRows, type FlushRows } from '../accounts/flush-rows.ts'
import { withAccounts } from '../accounts/with-accounts.ts'
import { type FlushOffsets, writeFlush } from '../accounts/write-flush.ts'
import { applyEvents } from '../core/account/apply-events.ts'
import { type Backfilled, createBackfillTally } from '../core/account/backfill-tally.ts'
import { MAX_ACCOUNTS } from '../limits.ts'
import type { ChangeRelay } from '../log/change-relay.ts'
import type { ScoringMetrics } from '../metrics.ts'
import type { LiveModels } from '../models/live-models.ts'
import { writeBackfillFlush } from '../sources/backfill-store.ts'
import type { SourceActivityTracker } from '../sources/source-activity.ts'
import type { EventPositions } from './event-positions.ts'
import { createFlushPipeline, type FlushPipeline } from './flush-pipeline.ts'
import { createFlushQueue } from './flush-queue.ts'
import { createSplitFlush, type FlushPart, type FlushResult } from './split-flush.ts'

export type BatchScorerDeps = {
  readonly mostBatches: number
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: ScoringMetrics
  readonly cache: AccountCache
  readonly relay: ChangeRelay
  readonly positions: EventPositions
  readonly liveModels: LiveModels
  readonly tombstones: Tombstones
  readonly sourceActivity: SourceActivityTracker
  readonly tenantStates: TenantStates
  /** Tells what this installation's own processes wrote from what others write on the topic. */
  readonly signer: RecordSigner
  readonly maxAccounts?: number
  /** Events that are older are dead-lettered; if absent, no event is too old. */
  readonly retentionDays?: number
}

/** Handles `usage.events`. Resolves when the flush is durable; else its accounts are read anew. */
export const createBatchScorer = (deps: BatchScorerDeps): ((batch: Batch) => Promise<void>) => {
  const {
    database,
    clock,
    cache,
    relay,
    positions,
    metrics,
    liveModels,
    tombstones,
    sourceActivity,
    maxAccounts = MAX_ACCOUNTS,
  } = deps
  const pipelines = new Map<number, FlushPipeline>()
  const pipelineOf = (partition: number): FlushPipeline => {
    const pipeline = pipelines.get(partition) ?? createFlushPipeline()
    pipelines.set(partition, pipeline)
    return pipeline
  }
  const spareRows: FlushRows[] = []

  const write = async (
    partition: number,
    rows: FlushRows,
    { backfilled, next }: { readonly backfilled: readonly Backfilled[]; readonly next: number | null },
  ): Promise<void> => {
    if (rows.accounts() === 0) return next === null ? undefined : positions.write(partition, next)
    await failpoint('scoring.flush.before')
    const offsets: FlushOffsets = { next, expected: positions.expected(partition) }
    const { position, relayed } = await (backfilled.length === 0
      ? writeFlush(database, partition, rows, offsets)
      : writeBackfillFlush(database, partition, { rows, backfilled, offsets, now: clock.now() }))
    if (next !== null) positions.reached(partition, next)
    failpoint('scoring.flush.after')
    const records = rows.messages()
    rows.clear()
    spareRows.push(rows)
    await relay.offer({ partition, position, relayed, records })
  }

  const flushPart = async ({
    topic,
    partition,
    requests,
    unreadable,
    isLast,
    nextOffset,
  }: FlushPart): Promise<FlushResult> => {
    const startedAt = clock.now()
    const result = { events: 0, duplicates: 0, accounts: 0, changes: 0 }
    await pipelineOf(partition).run(({ earlierWritten, write: writeInTurn }) => {
      const now = clock.now()
      const rows = spareRows.pop() ?? createFlushRows(tombstones)
      const backfills = createBackfillTally()
      return withAccounts(
        { sql: database, cache, liveModels, tombstones, rows },
        {
          requests,
          now,
          partition,
          earlierWritten,
          change: (account, { events, evaluate }, context) => {
            sourceActivity.recordActivity(account.tenantId, events, now)
            const { entries, duplicates } = applyEvents(account, events, evaluate, context)
            result.events += events.length
            result.duplicates += duplicates
            backfills.add(account.tenantId, account.accountId, entries)
            return entries
          },
          write: async () => {
            result.accounts = rows.accounts()
            result.changes = rows.messages().length
            await Promise.all(unreadable.splice(0).map(({ batch, record, reason }) => batch.deadLetter(record, reason)))
            const next = isLast ? nextOffset : null
            await writeInTurn(() => write(partition, rows, { backfilled: backfills.take(), next }))
          },
        },
      )
    })
    deps.logger.debug({ topic, partition, ...result, tookMs: clock.now() - startedAt }, 'batch scored')
    return result
  }

  const splitFlush = createSplitFlush({
    flushPart,
    maxAccounts,
    tenantStates: deps.tenantStates,
    retentionDays: deps.retentionDays,
    verify: deps.signer.verify,
  })
  const flush = async (batches: readonly Batch[]): Promise<void> => {
    const flushed = await splitFlush(batches)
    metrics.observeFlush({ batches, ...flushed, now: clock.now() })
  }
  return createFlushQueue({ flush, clock, mostBatches: deps.mostBatches })
}
