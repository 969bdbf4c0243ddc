import type { Sealer } from '#libs/access/seal-secret.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { DAY_MS, MINUTE_MS, SECOND_MS } from '#libs/runtime/durations.ts'
import { resealSecrets } from '../endpoints/secret-store.ts'
import type { UpkeepTask } from '../run-upkeep.ts'
import { endOrphans, endOverdue, removeOldDeliveries } from './retention-store.ts'

const ORPHANS_EVERY_MS = 5 * SECOND_MS
const RETENTION_EVERY_MS = 10 * MINUTE_MS

type DeliveryUpkeep = {
  readonly database: Database
  readonly clock: Clock
  readonly sealer: Sealer
  /** How long deliveries are kept, finished or not. */
  readonly keptMs: number
}

/**
 * Deliveries of endpoints that are gone are ended; so is what still waits after the time for which deliveries are kept (an endpoint whose own rate is below
 * what it is sent would collect for ever); finished ones go after that time. Secrets sealed with a former key are sealed anew.
 */
export const deliveryUpkeep = ({ database, clock, sealer, keptMs }: DeliveryUpkeep): readonly UpkeepTask[] => [
  { name: 'orphans', everyMs: ORPHANS_EVERY_MS, chunk: (limit) => endOrphans(database, clock.now(), limit) },
  {
    name: 'overdue deliveries',
    everyMs: RETENTION_EVERY_MS,
    chunk: (limit) => endOverdue(database, { before: clock.now() - keptMs, now: clock.now(), limit }),
  },
  {
    name: 'old deliveries',
    everyMs: RETENTION_EVERY_MS,
    // A day later than they are ended at the latest, so that each can be seen, and replayed.
    chunk: (limit) => removeOldDeliveries(database, clock.now() - keptMs - DAY_MS, limit),
  },
  { name: 'reseal', everyMs: RETENTION_EVERY_MS, chunk: (limit) => resealSecrets(database, sealer, limit) },
]
