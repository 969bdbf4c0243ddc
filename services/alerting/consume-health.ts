import type { Batch, Bus, Subscription } from '#libs/bus/bus.ts'
import { type AccountHealth, accountHealthSchema } from '#libs/contracts/account-health.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { AlertingMetrics } from './alerting-metrics.ts'
import { judgeChanges } from './judge-accounts.ts'
import { readRecord } from './read-record.ts'
import type { RuleBook } from './rule-store.ts'

export type ConsumeHealthDeps = {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: AlertingMetrics
  readonly book: RuleBook
  /** Called after a commit that may have left something to send. */
  readonly onCommit: () => void
}

/** Changes judged in one transaction at most. */
const MAX_CHANGES = 1_000

/** Reads `account.health` and judges each change once. */
export const consumeHealth = ({ bus, ...deps }: ConsumeHealthDeps): Promise<Subscription> =>
  bus.consume({ group: 'alerting', topic: 'account.health', handle: (batch) => judgeBatch(batch, deps) })

const judgeBatch = async (batch: Batch, deps: Omit<ConsumeHealthDeps, 'bus'>): Promise<void> => {
  const { database, clock, logger, metrics, book, onCommit } = deps
  const startedAt = clock.now()
  const messages: AccountHealth[] = []
  for (const record of batch.records) {
    const read = readRecord(record.value, accountHealthSchema, 'a change of an account')
    if (typeof read === 'string') await batch.park(record, read)
    else messages.push(read)
  }
  for (let from = 0; from < messages.length; from += MAX_CHANGES) {
    const part = messages.slice(from, from + MAX_CHANGES)
    failpoint('alerting.judge.begin')
    const judged = await database.transaction(async (tx) => {
      const written = await judgeChanges(tx, book, part)
      failpoint('alerting.judge.before')
      return written
    })
    failpoint('alerting.judge.after')
    onCommit()
    const tookMs = clock.now() - startedAt
    metrics.judged(part.length, judged, tookMs)
    const { topic, partition } = batch
    logger.info({ topic, partition, changes: part.length, ...judged, tookMs }, 'changes judged')
  }
}
