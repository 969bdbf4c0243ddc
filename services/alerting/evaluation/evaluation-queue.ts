import type { StoredPosition } from '#libs/bus/stored-positions.ts'
import type { AccountHealth } from '#libs/contracts/account-health.ts'
import { batchCalls } from '#libs/runtime/batch-calls.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'

export type EvaluationPart = {
  readonly changes: readonly AccountHealth[]
  /** Offset behind the batch that ends with these changes; null: more of it follows. */
  readonly position: StoredPosition | null
}

export type EvaluationQueueOptions = {
  /** Evaluates the changes in one transaction. */
  readonly evaluate: (parts: readonly EvaluationPart[]) => Promise<void>
  /** Changes of one transaction at most, unless one batch has more. */
  readonly mostChanges: number
}

const MOST_TRANSACTIONS = 3

/**
 * A hundred changes in one transaction cost as much as one. The accounts of a partition stay in
 * order if the caller awaits each batch before the next.
 */
export const createEvaluationQueue = ({ evaluate, mostChanges }: EvaluationQueueOptions) =>
  batchCalls<EvaluationPart>({
    handle: evaluate,
    sizesOf: ({ changes }) => [changes.length],
    maxSizes: [mostChanges],
    gather: () => new Promise(setImmediate),
    maxAtOnce: MOST_TRANSACTIONS,
    // Each batch is retried alone: a bad batch cannot fail another.
    isolates: (error) => !(error instanceof UnavailableError),
  }).call
