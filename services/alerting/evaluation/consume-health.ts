import type { Batch, Bus, Subscription } from '#libs/bus/bus.ts'
import { type AccountHealth, accountHealthSchema } from '#libs/contracts/account-health.ts'
import type { Database } from '#libs/postgres/database.ts'
import { probeTables } from '#libs/postgres/probe-tables.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { AlertingMetrics } from '../metrics.ts'
import type { RuleCatalog } from '../rules/rule-store.ts'
import { evaluateChanges } from './evaluate-accounts.ts'
import { createEvaluationQueue } from './evaluation-queue.ts'
import { parseMessages } from './parse-message.ts'

export type ConsumeHealthDeps = {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: AlertingMetrics
  readonly ruleCatalog: RuleCatalog
  /** Called after a commit that may have left something to send. */
  readonly onCommit: () => void
}

/** Changes evaluated in one transaction at most. */
const MAX_CHANGES = 500
/** Bytes of one batch, about as many changes; parsed changes take several times as much memory. */
const MAX_BATCH_BYTES = 1024 * 1024

/** What an evaluation writes to. */
const EVALUATED_TABLES = ['account', 'alert', 'alert_transition', 'delivery', 'outbox'].map(
  (table) => `alerting.${table}`,
)

/** Reads `account.health` and evaluates each change once. */
export const consumeHealth = ({ bus, ...deps }: ConsumeHealthDeps): Promise<Subscription> => {
  const evaluateTogether = createEvaluationQueue({
    mostChanges: MAX_CHANGES,
    evaluate: (changes) => evaluatePart(changes, deps),
  })
  return bus.consume({
    group: 'alerting',
    topic: 'account.health',
    maxBatchBytes: MAX_BATCH_BYTES,
    releaseAfterHandling: true,
    handle: (batch) => evaluateBatch(batch, evaluateTogether),
    probe: () => probeTables(deps.database, EVALUATED_TABLES),
  })
}

const evaluateBatch = async (
  batch: Batch,
  evaluateTogether: (changes: readonly AccountHealth[]) => Promise<void>,
): Promise<void> => {
  const messages = await parseMessages(batch, { schema: accountHealthSchema, what: 'a change of an account' })
  for (let from = 0; from < messages.length; from += MAX_CHANGES)
    await evaluateTogether(messages.slice(from, from + MAX_CHANGES))
}

const evaluatePart = async (
  changes: readonly AccountHealth[],
  { database, clock, logger, metrics, ruleCatalog, onCommit }: Omit<ConsumeHealthDeps, 'bus'>,
): Promise<void> => {
  const startedAt = clock.now()
  failpoint('alerting.evaluate.begin')
  const evaluated = await database.transaction(async (tx) => {
    const written = await evaluateChanges(tx, ruleCatalog, changes)
    failpoint('alerting.evaluate.before')
    return written
  })
  failpoint('alerting.evaluate.after')
  if (evaluated.transitions > 0) onCommit()
  const summary = { changes: changes.length, ...evaluated, tookMs: clock.now() - startedAt }
  metrics.evaluated(summary)
  logger.info(summary, 'changes evaluated')
}
