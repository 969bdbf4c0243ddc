import type { Database } from '#libs/postgres/database.ts'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { DISABLE_AFTER_MS } from '../core/delivery/decide-delivery.ts'
import type { Tried } from './attempt-delivery.ts'
import { type EndpointMark, markEndpoints, recordAttempts } from './attempt-store.ts'
import { disableAndNotify } from './disable-endpoint.ts'

export type Recorder = {
  readonly add: (tried: Tried) => void
  /** Results not yet written. */
  readonly backlog: () => number
  /** Resolves when all that was added is written. */
  readonly drained: () => Promise<void>
}

const RETRY_MS = 500
const BATCH = 1_000

type RecorderDeps = {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly onRecorded: (batch: readonly Tried[]) => void
}

/**
 * Writes results in batches: while one is being written the next collects, so that a busy deliverer pays one round trip for hundreds.
 * A database that is away is waited out; the leases make a late record harmless.
 */
export const createRecorder = ({ database, clock, logger, onRecorded }: RecorderDeps): Recorder => {
  const waiting: Tried[] = []
  let writing = 0
  let running: Promise<void> | undefined

  const run = async (): Promise<void> => {
    // One turn of the loop: what finishes together is written together.
    await new Promise(setImmediate)
    while (waiting.length > 0) {
      const batch = waiting.splice(0, BATCH)
      writing = batch.length
      await write(batch)
      writing = 0
      onRecorded(batch)
    }
  }

  const write = async (batch: readonly Tried[]): Promise<void> => {
    for (let failures = 0; ; failures++) {
      try {
        failpoint('alerting.record.before')
        await recordAttempts(
          database,
          batch.map((tried) => tried.record),
        )
        failpoint('alerting.record.after')
        await markEndpoints(database, marksOf(batch))
        failpoint('alerting.record.marked')
        await disableThose(batch)
        return
      } catch (error) {
        const away = error instanceof UnavailableError
        if (!away && failures >= 3) {
          logger.error(
            { err: error, deliveries: batch.length },
            'results of deliveries not recorded, they will be tried again',
          )
          return
        }
        logger.warn({ err: error, deliveries: batch.length }, 'results of deliveries not recorded yet')
        await sleep(clock, RETRY_MS)
      }
    }
  }

  const disableThose = async (batch: readonly Tried[]): Promise<void> => {
    const disabled = new Set<string>()
    for (const { effect, target } of batch) {
      if (effect.endpoint !== 'disable' || disabled.has(target.endpointId)) continue
      disabled.add(target.endpointId)
      const now = clock.now()
      const failingBefore = effect.reason === 'gone' ? null : now - DISABLE_AFTER_MS
      if (await disableAndNotify(database, target, { reason: effect.reason, failingBefore, now }))
        logger.warn(
          { tenantId: target.tenantId, endpointId: target.endpointId, reason: effect.reason },
          'webhook endpoint disabled',
        )
    }
  }

  return {
    add: (tried) => {
      waiting.push(tried)
      running ??= run().finally(() => {
        running = undefined
      })
    },
    backlog: () => waiting.length + writing,
    drained: async () => {
      while (running) await running
    },
  }
}

/** The results of each endpoint in the order they came, as one change of its health. */
export const marksOf = (batch: readonly Tried[]): EndpointMark[] => {
  const marks = new Map<string, EndpointMark>()
  for (const { effect, target, record } of batch) {
    const { endpointId } = target
    const before = marks.get(endpointId) ?? { endpointId, succeeded: false, failedAt: null, pausedUntil: null }
    const mark =
      effect.endpoint === 'healthy'
        ? { ...before, succeeded: true, failedAt: null }
        : { ...before, failedAt: before.failedAt ?? record.at }
    marks.set(endpointId, effect.endpoint === 'throttled' ? { ...mark, pausedUntil: effect.pausedUntil } : mark)
  }
  return [...marks.values()]
}
