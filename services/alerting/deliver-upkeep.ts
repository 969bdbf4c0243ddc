import type { Sealer } from '#libs/access/seal-secret.ts'
import type { Database } from '#libs/postgres/database.ts'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import { DAY_MS, MINUTE_MS, SECOND_MS } from '#libs/runtime/durations.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { endOrphans } from './record-store.ts'
import { removeOldDeliveries } from './retention-store.ts'
import { resealSecrets } from './secret-store.ts'

const ORPHANS_EVERY_MS = 5 * SECOND_MS
const RETENTION_EVERY_MS = 10 * MINUTE_MS
const KEPT_MS = 30 * DAY_MS
const CHUNK = 1_000

type UpkeepDeps = {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly sealer: Sealer
}

/**
 * What nobody waits for: deliveries of endpoints that are gone are ended, finished ones go after 30 days, secrets sealed with a former key are sealed
 * anew. Any replica may do it at any time. The answer stops it.
 */
export const startUpkeep = ({ database, clock, logger, sealer }: UpkeepDeps): (() => Promise<void>) => {
  const stopping = new AbortController()

  const every = async (pauseMs: number, task: string, chunk: () => Promise<number>): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        while (!stopping.signal.aborted && (await chunk()) >= CHUNK);
      } catch (error) {
        logger.warn({ err: error, task }, 'upkeep of deliveries failed, it will be tried again')
      }
      await sleep(clock, pauseMs, stopping.signal)
    }
  }

  const running = Promise.all([
    every(ORPHANS_EVERY_MS, 'orphans', () => endOrphans(database, clock.now(), CHUNK)),
    every(RETENTION_EVERY_MS, 'retention', () => removeOldDeliveries(database, clock.now() - KEPT_MS, CHUNK)),
    every(RETENTION_EVERY_MS, 'reseal', () => resealSecrets(database, sealer, CHUNK)),
  ])
  return async () => {
    stopping.abort()
    await running
  }
}
