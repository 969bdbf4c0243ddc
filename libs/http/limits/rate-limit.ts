import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Principal } from '#libs/access/keyring.ts'
import type { Cache } from '#libs/cache/cache.ts'
import { RequestError } from '#libs/runtime/errors.ts'

export type RateLimit = {
  readonly cache: Cache
  /** How many requests one key may make in a window; 0: any number. */
  readonly requests: number
  readonly windowMs: number
}

type Standing = { readonly remaining: number; readonly endsInS: number; readonly exceeded: boolean }

declare module 'fastify' {
  interface FastifyInstance {
    /** Counts a request for its key; throws 429 when the key has made too many. */
    countRequest: (request: FastifyRequest, principal: Principal) => Promise<void>
  }
  interface FastifyRequest {
    standing: Standing | undefined
  }
}

/** Requests with a key are counted once the key is known to be good; those without one never are. */
export const limitRates = (app: FastifyInstance, limit: RateLimit | undefined): void => {
  app.decorateRequest('standing', undefined)
  if (!limit || limit.requests === 0) return void app.decorate('countRequest', async () => {})
  const { cache, requests, windowMs } = limit
  app.decorate('countRequest', async (request: FastifyRequest, { keyId }: Principal) => {
    const { count, endsInMs } = await cache.count(`rate:${keyId}`, windowMs)
    const exceeded = count > requests
    request.standing = {
      remaining: Math.max(0, requests - count),
      endsInS: Math.max(1, Math.ceil(endsInMs / 1_000)),
      exceeded,
    }
    if (exceeded) throw new RequestError(429, 'rate_limited', 'This key has made too many requests; try again later')
  })
  app.addHook('onSend', (request, reply, _payload, done) => {
    const { standing } = request
    if (standing) {
      reply.header('ratelimit-limit', requests)
      reply.header('ratelimit-remaining', standing.remaining)
      reply.header('ratelimit-reset', standing.endsInS)
      if (standing.exceeded) reply.header('retry-after', standing.endsInS)
    }
    done()
  })
}
