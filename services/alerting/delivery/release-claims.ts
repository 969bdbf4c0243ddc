import type { Database } from '#libs/postgres/database.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { Job } from './attempt-delivery.ts'
import { releaseDeliveries } from './claim-store.ts'

/** Gives claims back; those it fails to give back are due again when their leases end. */
export const releaseClaims = async (database: Database, jobs: readonly Job[], logger: Logger): Promise<void> => {
  try {
    for (const [token, claimed] of Map.groupBy(jobs, (job) => job.token))
      await releaseDeliveries(
        database,
        token,
        claimed.map((job) => job.delivery.deliveryId),
      )
  } catch (error) {
    logger.warn({ err: error, deliveries: jobs.length }, 'claims not released, their leases will end')
  }
}
