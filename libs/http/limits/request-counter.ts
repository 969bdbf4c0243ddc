import { Redis } from 'ioredis'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import type { Logger } from '#libs/runtime/logger.ts'

/** No request waits longer than this for Redis. */
const PATIENCE_MS = 100
const LONGEST_RECONNECT_MS = 5_000

export type Standing = { readonly remaining: number; readonly endsInS: number; readonly exceeded: boolean }

export type RequestCounter = {
  /** How many requests a key may make in a window; 0: any number. */
  readonly requests: number
  /** Never fails: a Redis that cannot be reached is tried again. */
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  /** Counts one request of that key. The first one starts the key's window. */
  readonly count: (keyId: string) => Promise<Standing>
}

export type RequestCounterOptions = {
  readonly requests: number
  readonly windowS: number
  /** All processes count in this Redis. While it is unavailable each counts for itself. */
  readonly redisUrl?: string | undefined
  readonly logger: Logger
}

/** A command without an answer ends the connection: only one request waits for a hanging Redis. */
const openRedis = (url: string, logger: Logger): Redis => {
  let available = true
  // The message only: the error bears the command that failed, which may hold the password.
  const onError = ({ message }: Error): void => {
    if (available) logger.warn({ reason: message }, 'Redis is unavailable, this process counts for itself')
    available = false
  }
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2_000,
    socketTimeout: PATIENCE_MS,
    retryStrategy: (attempt) => Math.min(attempt * 200, LONGEST_RECONNECT_MS),
    // Called for commands that Redis refuses. After NOSCRIPT the client sends the script itself.
    reconnectOnError: (error) => {
      if (!error.message.startsWith('NOSCRIPT')) onError(error)
      return false
    },
  })
  // Without a listener a lost connection is an unhandled 'error' event: the end of the process.
  redis.on('error', onError)
  redis.on('ready', () => {
    if (!available) logger.info('Redis is available again')
    available = true
  })
  return redis
}

export const createRequestCounter = (options: RequestCounterOptions): RequestCounter => {
  const { requests, windowS, redisUrl, logger } = options
  const window = { points: requests, duration: windowS, keyPrefix: 'pulso:rate' }
  const own = new RateLimiterMemory(window)
  const redis = redisUrl === undefined ? undefined : openRedis(redisUrl, logger)
  const limiter = redis
    ? new RateLimiterRedis({ ...window, storeClient: redis, rejectIfRedisNotReady: true, insuranceLimiter: own })
    : own
  // After a clock was set back the library names an end beyond the window.
  const standing = ({ remainingPoints, msBeforeNext }: RateLimiterRes, exceeded: boolean): Standing => ({
    remaining: remainingPoints,
    endsInS: Math.min(windowS, Math.max(1, Math.ceil(msBeforeNext / 1_000))),
    exceeded,
  })
  return {
    requests,
    start: async () => void redis?.connect().catch(() => {}),
    stop: async () => redis?.disconnect(),
    count: async (keyId) => {
      try {
        return standing(await limiter.consume(keyId), false)
      } catch (refusal) {
        if (refusal instanceof RateLimiterRes) return standing(refusal, true)
        throw refusal
      }
    },
  }
}
