import type { Sealer } from '#libs/access/seal-secret.ts'
import type { Database } from '#libs/postgres/database.ts'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import { newId } from '#libs/runtime/ids.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { Registry } from '#libs/runtime/metrics.ts'
import type { DeliverySchedule } from '../core/delivery/retry-schedule.ts'
import type { SendWebhook } from '../endpoints/http-sender.ts'
import { DELIVERY_CHANNEL } from '../notifications/enqueue-deliveries.ts'
import { startUpkeep } from '../run-upkeep.ts'
import { createTry, type Job } from './attempt-delivery.ts'
import { createRecorder } from './attempt-recorder.ts'
import { type ClaimedDelivery, claimDeliveries, targetsOf } from './claim-store.ts'
import { deliveryMetrics } from './delivery-metrics.ts'
import { deliveryUpkeep } from './delivery-retention.ts'
import { createEndpointConcurrency, FIRST_ROOM, type Pace } from './endpoint-concurrency.ts'
import { releaseJobs, takeBack } from './release-claims.ts'

export type Deliverer = {
  readonly start: () => Promise<void>
  /** Lets the calls under way end and be recorded, and gives the other claims back. */
  readonly stop: () => Promise<void>
  /** Something is due: call after the commit that enqueued it. Not needed for correctness. */
  readonly wake: () => void
}

export type DelivererDeps = {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Registry
  readonly send: SendWebhook
  readonly sealer: Sealer
  readonly schedule: DeliverySchedule
  readonly random?: () => number
  /** Calls at once, per endpoint and in all. */
  readonly maxPerEndpoint?: number
  readonly maxInFlight?: number
  /** How long deliveries are kept. */
  readonly keptMs?: number
}

const POLL_MS = 1_000
const RETRY_MS = 1_000
/** A lease outlasts the wait in a lane, the longest call (15 s) and the record; what a killed process held is due again after it. */
const LEASE_MS = 40_000
const START_WITHIN_MS = 20_000
const MAX_UNRECORDED = 2_000

/**
 * Delivers what is due, with several replicas racing for the same rows: claims in batches under a lease, calls on a lane per endpoint,
 * records in batches. Woken by commits (here and in other processes) and by a poll each second, which also finds retries and lost leases.
 */
export const createDeliverer = (deps: DelivererDeps): Deliverer => {
  const { database, clock, logger, sealer, send, schedule, random = Math.random } = deps
  const { maxPerEndpoint = 64, maxInFlight = 1_024, keptMs = 30 * DAY_MS } = deps
  const observe = deliveryMetrics(deps.metrics)
  const stopping = new AbortController()
  /** Endpoints that had more due than room. */
  const more = new Set<string>()
  let claiming: Promise<void> | undefined
  let again = false
  let cancelPoll = (): void => {}
  let stopListening = async (): Promise<void> => {}
  let stopUpkeep = async (): Promise<void> => {}

  const attempt = createTry({ clock, send, sealer, schedule, random })
  const run = async (job: Job): Promise<Pace> => {
    const tried = await attempt(job)
    observe(tried)
    recorder.add(tried)
    const { effect } = tried
    if (effect.endpoint === 'throttled') concurrency.pause(job.target.endpointId, effect.pausedUntil)
    if (tried.record.state === 'delivered') return 'good'
    return tried.result.kind === 'failed' || effect.endpoint === 'throttled' ? 'slow' : 'bad'
  }
  const wakeFor = (endpointId: string): void => {
    if (more.has(endpointId)) wake()
  }
  const concurrency = createEndpointConcurrency({ clock, maxPerEndpoint, run, onRoom: wakeFor })
  const recorder = createRecorder({
    database,
    clock,
    logger,
    onRecorded: (batch) => {
      void releaseJobs(database, takeBack(concurrency, batch), logger)
      if (more.size > 0) wake()
    },
  })

  const claim = async (): Promise<void> => {
    const limit = Math.min(maxInFlight - concurrency.held(), MAX_UNRECORDED - recorder.backlog())
    if (limit <= 0) return
    const token = newId()
    const now = clock.now()
    const free = concurrency.room()
    failpoint('alerting.claim.before')
    const rows = await claimDeliveries(database, {
      token,
      now,
      leaseMs: LEASE_MS,
      free,
      perEndpoint: FIRST_ROOM,
      limit,
    })
    if (rows.length === 0) return more.clear()
    failpoint('alerting.claim.after')
    await startAll(rows, token, now)
    noteWhoHasMore(rows, free, limit)
  }

  const startAll = async (rows: readonly ClaimedDelivery[], token: string, now: number): Promise<void> => {
    const targets = await targetsOf(database, [...new Set(rows.map((row) => row.endpointId))], now)
    const byId = new Map(targets.map((target) => [target.endpointId, target]))
    const startBefore = now + START_WITHIN_MS
    // A row whose endpoint was disabled in between stays under its lease until upkeep ends it.
    concurrency.add(
      rows.flatMap((delivery) => {
        const target = byId.get(delivery.endpointId)
        return target ? [{ delivery, target, token, startBefore }] : []
      }),
    )
  }

  const noteWhoHasMore = (rows: readonly ClaimedDelivery[], free: ReadonlyMap<string, number>, limit: number): void => {
    const counts = new Map<string, number>()
    for (const { endpointId } of rows) counts.set(endpointId, (counts.get(endpointId) ?? 0) + 1)
    if (rows.length < limit) more.clear()
    for (const [endpointId, room] of free) if (room === 0) more.add(endpointId)
    for (const [endpointId, count] of counts) if (count >= (free.get(endpointId) ?? FIRST_ROOM)) more.add(endpointId)
  }

  const claimWhileWoken = async (): Promise<void> => {
    while (again && !stopping.signal.aborted) {
      again = false
      try {
        await claim()
      } catch (error) {
        logger.warn({ err: error }, 'deliveries not claimed')
        await sleep(clock, RETRY_MS, stopping.signal)
        again = true
      }
    }
  }

  const wake = (): void => {
    again = true
    if (stopping.signal.aborted) return
    claiming ??= claimWhileWoken().finally(() => {
      claiming = undefined
      if (again) wake()
    })
  }

  const poll = (): void => {
    cancelPoll = clock.after(POLL_MS, () => {
      wake()
      poll()
    })
  }

  return {
    wake,
    start: async () => {
      stopListening = await database.listen(DELIVERY_CHANNEL, wake)
      stopUpkeep = startUpkeep({ clock, logger }, deliveryUpkeep({ database, clock, sealer, keptMs }))
      poll()
      wake()
    },
    stop: async () => {
      stopping.abort()
      cancelPoll()
      await stopUpkeep()
      await stopListening()
      await claiming
      await releaseJobs(database, concurrency.empty(), logger)
      await concurrency.idle()
      await recorder.drained()
    },
  }
}
