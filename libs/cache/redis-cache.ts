import { Redis } from 'ioredis'
import type { Clock } from '#libs/runtime/clock.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { Cache, Count } from './cache.ts'
import { createMemoryCache } from './memory-cache.ts'

/** No request waits longer than this for Redis, and after a failure none waits at all for a while. */
const PATIENCE_MS = 100
const PAUSE_MS = 1_000
const LONGEST_RECONNECT_MS = 5_000

const COUNT = `
local count = redis.call('incr', KEYS[1])
if count == 1 then redis.call('pexpire', KEYS[1], ARGV[1]) end
return {count, redis.call('pttl', KEYS[1])}`

export type RedisCacheOptions = {
  readonly url: string
  readonly clock: Clock
  readonly logger: Logger
  /** Put before every name, so that several installations can share one server. */
  readonly prefix?: string
}

/** Counters that all processes share. Each process counts for itself too: that is what serves while Redis is away. */
export const createRedisCache = ({ url, clock, logger, prefix = 'pulso:' }: RedisCacheOptions): Cache => {
  const own = createMemoryCache({ clock })
  let pausedUntil = Number.NEGATIVE_INFINITY
  let isAway = false
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2_000,
    commandTimeout: PATIENCE_MS,
    retryStrategy: (attempt) => Math.min(attempt * 200, LONGEST_RECONNECT_MS),
    scripts: { countInWindow: { lua: COUNT, numberOfKeys: 1 } },
  }) as Redis & { countInWindow: (name: string, windowMs: number) => Promise<[number, number]> }

  /** The message only: the error bears the command that failed, and that may be the one with the password. */
  const turn = (away: boolean, error?: Error): void => {
    if (away === isAway) return
    isAway = away
    if (away) logger.warn({ reason: error?.message }, 'Redis is away, this process counts for itself')
    else logger.info('Redis is back')
  }
  // Without a listener a lost connection is an unhandled 'error' event: the end of the process.
  redis.on('error', (error) => turn(true, error))
  redis.on('ready', () => turn(false))

  const shared = async (name: string, windowMs: number): Promise<Count | undefined> => {
    if (redis.status !== 'ready' || clock.now() < pausedUntil) return undefined
    try {
      const [count, endsInMs] = await redis.countInWindow(prefix + name, windowMs)
      turn(false)
      return { count, endsInMs }
    } catch (error) {
      pausedUntil = clock.now() + PAUSE_MS
      turn(true, error as Error)
      return undefined
    }
  }

  return {
    start: async () => {
      redis.connect().catch(() => {})
    },
    stop: async () => redis.disconnect(),
    count: async (name, windowMs) => {
      const [mine, everyones] = await Promise.all([own.count(name, windowMs), shared(name, windowMs)])
      return everyones && everyones.count >= mine.count ? everyones : mine
    },
  }
}
