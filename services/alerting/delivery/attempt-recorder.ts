import type { Database } from '#libs/postgres/database.ts'
import { batchCalls } from '#libs/runtime/batch-calls.ts'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { verifyEndpoint } from '../endpoints/verification-store.ts'
import type { AttemptOutcome } from './attempt-delivery.ts'
import { saveAttempts } from './attempt-store.ts'
import { disableEndpoints } from './disable-endpoint.ts'
import { markEndpoints, marksOf } from './endpoint-health-store.ts'

export type AttemptRecorder = {
  /** Resolves when the outcome is saved or given up; never rejects. */
  readonly record: (outcome: AttemptOutcome) => Promise<void>
  /** Outcomes not yet saved. */
  readonly backlog: () => number
  readonly drained: () => Promise<void>
}

type RecorderDeps = { readonly database: Database; readonly clock: Clock; readonly logger: Logger }

const RETRY_MS = 500
const MAX_TRIES = 4
const MAX_BATCH = 1_000
const ONE = [1]

/** Saves outcomes in batches: a busy deliverer pays one round trip for hundreds. */
export const createAttemptRecorder = (deps: RecorderDeps): AttemptRecorder => {
  const { clock, logger } = deps
  const saveWithRetries = async (outcomes: readonly AttemptOutcome[]): Promise<void> => {
    for (let tries = 1; ; tries++) {
      try {
        return await save(deps, outcomes)
      } catch (error) {
        const fields = { err: error, deliveries: outcomes.length }
        // A late save is harmless: its lease is a fence. Leases end: a lost batch is due again.
        if (tries >= MAX_TRIES && !(error instanceof UnavailableError))
          return logger.error(fields, 'attempts not saved, their deliveries will be attempted again')
        logger.warn(fields, 'attempts not saved yet')
        await sleep(clock, RETRY_MS)
      }
    }
  }
  const batches = batchCalls<AttemptOutcome>({
    handle: saveWithRetries,
    sizesOf: () => ONE,
    maxSizes: [MAX_BATCH],
    // One turn of the event loop: outcomes of the same turn share a batch.
    gather: () => new Promise(setImmediate),
  })
  return { record: batches.call, backlog: () => batches.pending()[0]!, drained: batches.drained }
}

const save = async (deps: RecorderDeps, outcomes: readonly AttemptOutcome[]): Promise<void> => {
  failpoint('alerting.record.before')
  // Before the delivery is saved as done: nothing would repeat a verification that was lost.
  for (const { target, update } of outcomes)
    if (update.state === 'delivered' && !target.verified) await verifyEndpoint(deps.database, target, update.at)
  await saveAttempts(
    deps.database,
    outcomes.map(({ update }) => update),
  )
  failpoint('alerting.record.after')
  await markEndpoints(deps.database, marksOf(outcomes))
  failpoint('alerting.record.marked')
  await disableEndpoints(deps, outcomes)
}
