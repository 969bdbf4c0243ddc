import type { Tombstones } from '#libs/access/tombstones.ts'
import type { Batch, Bus, Subscription } from '#libs/bus/bus.ts'
import { createStoredPositions, type StoredPositions } from '#libs/bus/stored-positions.ts'
import { readAccountHealthSchema } from '#libs/contracts/read-account-health.ts'
import type { Database } from '#libs/postgres/database.ts'
import { probeTables } from '#libs/postgres/probe-tables.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { AlertEpoch } from '../alerts/alert-epoch.ts'
import type { AlertingMetrics } from '../metrics.ts'
import type { RuleCatalog } from '../rules/rule-store.ts'
import { evaluateChanges } from './evaluate-accounts.ts'
import { createEvaluationQueue, type EvaluationPart } from './evaluation-queue.ts'
import { parseMessages } from './parse-message.ts'

export type ConsumeHealthDeps = {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: AlertingMetrics
  readonly ruleCatalog: RuleCatalog
  readonly tombstones: Tombstones
  readonly epoch: Pick<AlertEpoch, 'raise'>
  /** Called after a commit that may have left something to send. */
  readonly onCommit: () => void
}

export const HEALTH_READER = { group: 'alerting', topic: 'account.health' } as const

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
  const stored = createStoredPositions({ database: deps.database, table: 'alerting.log_position' })
  const positions = { ...stored, onRewind: deps.epoch.raise }
  const evaluateTogether = createEvaluationQueue({
    mostChanges: MAX_CHANGES,
    evaluate: (parts) => evaluateParts(parts, { ...deps, positions }),
  })
  return bus.consume({
    ...HEALTH_READER,
    maxBatchBytes: MAX_BATCH_BYTES,
    releaseAfterHandling: true,
    positions,
    handle: (batch) => evaluateBatch(batch, positions, evaluateTogether),
    probe: () => probeTables(deps.database, EVALUATED_TABLES),
  })
}

const evaluateBatch = async (
  batch: Batch,
  positions: StoredPositions,
  evaluateTogether: (part: EvaluationPart) => Promise<void>,
): Promise<void> => {
  const changes = await parseMessages(batch, { schema: readAccountHealthSchema, what: 'a change of an account' })
  const { partition, records } = batch
  const next = records.at(-1)!.offset + 1
  if (changes.length === 0) return positions.write(partition, next)
  for (let from = 0; from < changes.length; from += MAX_CHANGES) {
    const isLast = from + MAX_CHANGES >= changes.length
    const position = isLast ? { partition, next } : null
    await evaluateTogether({ changes: changes.slice(from, from + MAX_CHANGES), position })
  }
}

type PartDeps = Omit<ConsumeHealthDeps, 'bus'> & { readonly positions: StoredPositions }

const evaluateParts = async (
  parts: readonly EvaluationPart[],
  { clock, logger, metrics, ruleCatalog, tombstones, onCommit, positions }: PartDeps,
): Promise<void> => {
  const changes = parts.flatMap((part) => part.changes)
  // A partition has one batch at a time here, so that no two parts have its position.
  const reached = parts.flatMap(({ position }) => position ?? [])
  const startedAt = clock.now()
  failpoint('alerting.evaluate.begin')
  const evaluated = await positions.commit(reached, async (tx) => {
    const written = await evaluateChanges(tx, { ruleCatalog, tombstones }, changes)
    failpoint('alerting.evaluate.before')
    return written
  })
  failpoint('alerting.evaluate.after')
  if (evaluated.transitions > 0) onCommit()
  const summary = { changes: changes.length, ...evaluated, tookMs: clock.now() - startedAt }
  metrics.evaluated(summary)
  logger.info(summary, 'changes evaluated')
}
