import type { Database } from '#libs/postgres/database.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { Job, Tried } from './attempt-delivery.ts'
import { releaseDeliveries } from './claim-store.ts'
import type { EndpointConcurrency } from './endpoint-concurrency.ts'

/** Claimed for an endpoint that asked for a pause: once the pause is written down nobody claims them before it ends. */
export const takeBack = (concurrency: EndpointConcurrency, batch: readonly Tried[]): readonly Job[] => {
  const throttled = batch.filter(({ effect }) => effect.endpoint === 'throttled')
  return [...new Set(throttled.map(({ target }) => target.endpointId))].flatMap(concurrency.empty)
}

/** Gives claims back; when that fails their leases will end. */
export const releaseJobs = async (database: Database, jobs: readonly Job[], logger: Logger): Promise<void> => {
  const byToken = Map.groupBy(jobs, (job) => job.token)
  try {
    for (const [token, claimed] of byToken)
      await releaseDeliveries(
        database,
        token,
        claimed.map((job) => job.delivery.deliveryId),
      )
  } catch (error) {
    logger.warn({ err: error, deliveries: jobs.length }, 'claims not given back, their leases will end')
  }
}
