import type { Sealer } from '#libs/access/seal-secret.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { DAY_MS, MINUTE_MS, SECOND_MS } from '#libs/runtime/durations.ts'
import type { UpkeepTask } from '#libs/runtime/upkeep.ts'
import type { UrlSeal } from '../endpoints/sealed-url.ts'
import { resealSecrets } from '../endpoints/secret-store.ts'
import { restoreUrls } from '../endpoints/url-store.ts'
import { endOrphans, endOverdue, removeOldDeliveries } from './retention-store.ts'

const ORPHANS_EVERY_MS = 5 * SECOND_MS
const RETENTION_EVERY_MS = 10 * MINUTE_MS

type DeliveryUpkeep = {
  readonly database: Database
  readonly clock: Clock
  readonly sealer: Sealer
  readonly urls: UrlSeal
  readonly keptMs: number
}

export const deliveryUpkeep = ({ database, clock, sealer, urls, keptMs }: DeliveryUpkeep): readonly UpkeepTask[] => [
  { name: 'orphans', everyMs: ORPHANS_EVERY_MS, chunk: (limit) => endOrphans(database, clock.now(), limit) },
  {
    // An endpoint with too low a rate would collect deliveries for ever.
    name: 'overdue deliveries',
    everyMs: RETENTION_EVERY_MS,
    chunk: (limit) => endOverdue(database, { before: clock.now() - keptMs, now: clock.now(), limit }),
  },
  {
    name: 'old deliveries',
    everyMs: RETENTION_EVERY_MS,
    // At least a day after its end: an operator can see and replay each delivery.
    chunk: (limit) => removeOldDeliveries(database, clock.now() - keptMs - DAY_MS, limit),
  },
  { name: 'reseal', everyMs: RETENTION_EVERY_MS, chunk: (limit) => resealSecrets(database, sealer, limit) },
  { name: 'urls', everyMs: RETENTION_EVERY_MS, chunk: (limit) => restoreUrls(database, urls, limit) },
]
