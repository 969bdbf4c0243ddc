import type { RecordSigner } from '#libs/access/record-signer.ts'
import type { Bus, Subscription } from '#libs/bus/bus.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { DAY_MS, HOUR_MS } from '#libs/runtime/durations.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { gauge, type Registry } from '#libs/runtime/metrics.ts'
import { startUpkeep } from '#libs/runtime/upkeep.ts'
import { countWaiting, deleteOldDeadLetters } from './dead-letter-store.ts'
import { indexDeadLetters } from './index-dead-letters.ts'

const KEPT_MS = 30 * DAY_MS

type Deps = {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Registry
  readonly signer: RecordSigner
}

/** Indexes dead letters, counts those that wait, and deletes all after 30 days. */
export const createDeadLetterIndex = ({ database, bus, clock, logger, metrics, signer }: Deps) => {
  let subscriptions: readonly Subscription[] = []
  let stopUpkeep = async (): Promise<void> => {}
  const waiting = gauge(metrics, {
    name: 'pulso_dead_letters_waiting',
    help: 'Dead letters that were neither replayed nor dropped',
    labelNames: ['topic'],
    collect: async () => {
      const counts = await countWaiting(database).catch(() => undefined)
      if (counts === undefined) return
      waiting.reset()
      for (const one of counts) waiting.set({ topic: one.topic }, one.waiting)
    },
  })
  const deleteOld = (limit: number) => deleteOldDeadLetters(database, clock.now() - KEPT_MS, limit)
  return {
    start: async (): Promise<void> => {
      subscriptions = await indexDeadLetters({ database, bus, signer })
      stopUpkeep = startUpkeep({ clock, logger }, [{ name: 'dead letters', everyMs: HOUR_MS, chunk: deleteOld }])
    },
    stop: async (): Promise<void> => {
      await stopUpkeep()
      await Promise.all(subscriptions.map(({ stop }) => stop()))
    },
  }
}
