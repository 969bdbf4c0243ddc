import type { FastifyInstance, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { MINUTE_MS } from '#libs/runtime/durations.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { addressOf } from './address.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Counts a wrong key for its address; the answer says 401, or 429 after too many. */
    refuseKey: (request: FastifyRequest) => RequestError
  }
  interface FastifyRequest {
    retryAfterS: number | undefined
  }
}

const MAX_FAILED = 100
const WINDOW_MS = MINUTE_MS
const MAX_ADDRESSES = 10_000

/** Wrong keys by address. Good keys of the same address are never looked at. */
export const limitFailedKeys = (app: FastifyInstance): void => {
  const failed = new LRUCache<string, { count: number }>({ max: MAX_ADDRESSES, ttl: WINDOW_MS })
  app.decorateRequest('retryAfterS', undefined)
  app.decorate('refuseKey', (request: FastifyRequest) => {
    const address = addressOf(request)
    let counted = failed.get(address)
    if (!counted) {
      counted = { count: 0 }
      failed.set(address, counted)
    }
    counted.count += 1
    if (counted.count <= MAX_FAILED)
      return new RequestError(401, 'unauthenticated', 'The key is unknown, expired, revoked or not usable here')
    request.retryAfterS = Math.max(1, Math.ceil(failed.getRemainingTTL(address) / 1_000))
    return new RequestError(429, 'too_many_failed_keys', 'This address has sent too many wrong keys; try again later')
  })
  app.addHook('onSend', (request, reply, _payload, done) => {
    if (request.retryAfterS) reply.header('retry-after', request.retryAfterS)
    done()
  })
}
