import type { Clock } from '#libs/runtime/clock.ts'
import type { Cache } from './cache.ts'

const MAX_COUNTERS = 20_000

/** Counters of this process alone. The oldest are forgotten when there are too many. */
export const createMemoryCache = ({ clock }: { readonly clock: Clock }): Cache => {
  const counters = new Map<string, { count: number; readonly endsAt: number }>()
  return {
    start: async () => {},
    stop: async () => {},
    count: async (name, windowMs) => {
      const now = clock.now()
      let counter = counters.get(name)
      // A clock that was set back must not stretch a window.
      if (!counter || counter.endsAt <= now || counter.endsAt > now + windowMs) {
        counter = { count: 0, endsAt: now + windowMs }
        counters.delete(name)
        counters.set(name, counter)
        if (counters.size > MAX_COUNTERS) counters.delete(counters.keys().next().value!)
      }
      counter.count += 1
      return { count: counter.count, endsInMs: counter.endsAt - now }
    },
  }
}
