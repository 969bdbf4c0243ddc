import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Principal } from '#libs/access/keyring.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import type { RequestCounter, Standing } from './request-counter.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Counts a request for its key; throws 429 when the key has made too many. */
    countRequest: (request: FastifyRequest, principal: Principal) => Promise<void>
  }
  interface FastifyRequest {
    standing: Standing | undefined
  }
}

/** Counts requests whose key is good, so there are never more counters than keys. */
export const limitRates = (app: FastifyInstance, counter: RequestCounter | undefined): void => {
  app.decorateRequest('standing', undefined)
  if (!counter || counter.requests === 0) return void app.decorate('countRequest', async () => {})
  app.decorate('countRequest', async (request: FastifyRequest, { keyId }: Principal) => {
    request.standing = await counter.count(keyId)
    if (request.standing.exceeded)
      throw new RequestError(429, 'rate_limited', 'This key has made too many requests; try again later')
  })
  app.addHook('onSend', (request, reply, _payload, done) => {
    const { standing } = request
    if (standing) {
      reply.header('ratelimit-limit', counter.requests)
      reply.header('ratelimit-remaining', standing.remaining)
      reply.header('ratelimit-reset', standing.endsInS)
      if (standing.exceeded) reply.header('retry-after', standing.endsInS)
    }
    done()
  })
}
