import type { Sealer } from '#libs/access/seal-secret.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { Registry } from '#libs/runtime/metrics.ts'
import { startUpkeep } from '#libs/runtime/upkeep.ts'
import type { DeliverySchedule } from '../core/delivery/retry-schedule.ts'
import type { SendWebhook } from '../endpoints/http-sender.ts'
import type { UrlSeal } from '../endpoints/sealed-url.ts'
import { DELIVERY_CHANNEL } from '../notifications/enqueue-deliveries.ts'
import { type AttemptOutcome, createAttempt, type Job } from './attempt-delivery.ts'
import { createAttemptRecorder } from './attempt-recorder.ts'
import { createClaimLoop } from './claim-loop.ts'
import { releaseClaims } from './claim-store.ts'
import { deliveryMetrics } from './delivery-metrics.ts'
import { deliveryUpkeep } from './delivery-retention.ts'
import { createEndpointConcurrency } from './endpoint-concurrency.ts'
import type { Pace } from './endpoint-slots.ts'

export type Deliverer = {
  readonly start: () => Promise<void>
  /** Lets the calls under way end and be saved, and gives the other claims back. */
  readonly stop: () => Promise<void>
  /** Claims at once: call after the commit of new deliveries. Correctness does not need it. */
  readonly wake: () => void
}

export type DelivererDeps = {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Registry
  readonly send: SendWebhook
  readonly sealer: Sealer
  readonly urls: UrlSeal
  readonly schedule: DeliverySchedule
  readonly random?: () => number
  /** Calls at once, per endpoint and in all; one tenant gets three eighths of all at most. */
  readonly maxPerEndpoint?: number
  readonly maxInFlight?: number
  readonly keptMs?: number
}

/** Replicas share deliveries by leases. A commit wakes all; polls find retries and ended leases. */
export const createDeliverer = (deps: DelivererDeps): Deliverer => {
  const { database, clock, logger, sealer, urls, send, schedule, random = Math.random } = deps
  const { maxPerEndpoint = 64, maxInFlight = 2_048, keptMs = 30 * DAY_MS } = deps
  const observe = deliveryMetrics(deps.metrics)
  const attempt = createAttempt({ clock, send, sealer, urls, schedule, random })
  const recorder = createAttemptRecorder({ database, clock, logger })
  let stopListening = async (): Promise<void> => {}
  let stopUpkeep = async (): Promise<void> => {}

  const run = async (job: Job): Promise<Pace> => {
    const outcome = await attempt(job)
    observe(outcome)
    const { effect, target } = outcome
    if (effect.endpoint === 'throttled') concurrency.pause(target.endpointId, effect.pausedUntil)
    void recorder.record(outcome).then(() => afterSaving(outcome))
    return paceOf(outcome)
  }
  // The saved pause keeps other claims off the endpoint: from now on its queue may be released.
  const afterSaving = ({ effect, target }: AttemptOutcome): void => {
    if (effect.endpoint === 'throttled') void releaseClaims(database, concurrency.empty(target.endpointId), logger)
    claims.wakeForMore()
  }
  const concurrency = createEndpointConcurrency({
    clock,
    maxPerEndpoint,
    run,
    onRoom: (endpointId) => claims.wakeForMore(endpointId),
  })
  const claims = createClaimLoop({ database, clock, logger, concurrency, unsaved: recorder.backlog, maxInFlight })

  return {
    wake: claims.wake,
    start: async () => {
      stopListening = await database.listen(DELIVERY_CHANNEL, claims.wake)
      stopUpkeep = startUpkeep({ clock, logger }, deliveryUpkeep({ database, clock, sealer, urls, keptMs }))
      claims.start()
    },
    stop: async () => {
      await claims.stop()
      await stopListening()
      await stopUpkeep()
      await releaseClaims(database, concurrency.empty(), logger)
      await concurrency.idle()
      await recorder.drained()
    },
  }
}

const paceOf = ({ update, effect, result }: AttemptOutcome): Pace => {
  if (update.state === 'delivered') return 'good'
  return result.kind === 'failed' || effect.endpoint === 'throttled' ? 'slow' : 'bad'
}
