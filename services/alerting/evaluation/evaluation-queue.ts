import type { AccountHealth } from '#libs/contracts/account-health.ts'
import { batchCalls } from '#libs/runtime/batch-calls.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'

export type EvaluationQueueOptions = {
  /** Evaluates the changes in one transaction. */
  readonly evaluate: (changes: readonly AccountHealth[]) => Promise<void>
  /** Changes of one transaction at most, unless one batch has more. */
  readonly mostChanges: number
}

const MOST_TRANSACTIONS = 3

/**
 * Evaluates batches of partitions in shared transactions: one change costs as much as a hundred.
 * A caller that awaits each batch of a partition before the next keeps the order of its accounts.
 * If a shared transaction fails, each batch is retried alone, so one bad batch cannot fail another.
 */
export const createEvaluationQueue = ({ evaluate, mostChanges }: EvaluationQueueOptions) =>
  batchCalls<readonly AccountHealth[]>({
    handle: (batches) => evaluate(batches.flat()),
    sizesOf: (changes) => [changes.length],
    maxSizes: [mostChanges],
    gather: () => new Promise(setImmediate),
    maxAtOnce: MOST_TRANSACTIONS,
    isolates: (error) => !(error instanceof UnavailableError),
  }).call
