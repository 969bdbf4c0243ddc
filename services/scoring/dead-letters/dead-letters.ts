import type { RecordSigner } from '#libs/access/record-signer.ts'
import type { Subscription } from '#libs/bus/bus.ts'
import { DAY_MS, HOUR_MS } from '#libs/runtime/durations.ts'
import { gauge } from '#libs/runtime/metrics.ts'
import type { Platform } from '#libs/runtime/service.ts'
import { startUpkeep } from '#libs/runtime/upkeep.ts'
import { countWaiting, deleteOldDeadLetters } from './dead-letter-store.ts'
import { indexDeadLetters } from './index-dead-letters.ts'

type Deps = Pick<Platform, 'database' | 'bus' | 'clock' | 'logger' | 'metrics' | 'settings'> & {
  readonly signer: RecordSigner
}

/** Indexes dead letters, counts those that wait, and deletes old ones. */
export const createDeadLetterIndex = ({ database, bus, clock, logger, metrics, settings, signer }: Deps) => {
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
  const deleteOld = (limit: number) =>
    deleteOldDeadLetters(database, clock.now() - settings.deadLetterDays * DAY_MS, limit)
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
