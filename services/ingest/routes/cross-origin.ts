import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { hasBody } from '#libs/http/limits/reservations.ts'
import { answerEarly } from '#libs/http/problems/answer-early.ts'
import type { Clock } from '#libs/runtime/clock.ts'

/** Any origin, none, or these. */
export type Origins = '*' | 'none' | readonly string[]

const EXPOSED = 'retry-after, x-request-id, ratelimit-limit, ratelimit-remaining, ratelimit-reset'
/** Seconds; browsers keep the answer to a preflight no longer. */
const MAX_AGE = '7200'

/**
 * Lets pages of these origins call this plugin's routes of scope `ingest`, without credentials, and
 * read their answers, refusals too. Preflights need no key and are answered before a body.
 * By hand: @fastify/cors 11.4.3 adds `OPTIONS *` to the whole server. Routes of other scopes would
 * answer preflights, and each unknown path 405 for its 404 (from its source, 2026-12-01).
 */
export const allowOrigins = (app: FastifyInstance, origins: Origins, clock: Clock): void => {
  if (origins === 'none') return
  const allowed = ({ headers }: FastifyRequest): string | undefined => {
    if (origins === '*') return '*'
    return headers.origin !== undefined && origins.includes(headers.origin) ? headers.origin : undefined
  }
  const methods = new Map<string, string[]>()
  const preflight = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    reply.header('access-control-allow-methods', methods.get(request.routeOptions.url!)!.join(', '))
    reply.header('access-control-max-age', MAX_AGE)
    const wanted = request.headers['access-control-request-headers']
    if (wanted) reply.header('access-control-allow-headers', wanted)
    return hasBody(request) ? answerEarly(clock, request, reply.code(200), '') : reply.code(204).send()
  }
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.scope !== 'ingest') return
    const known = methods.get(url)
    if (known) return void known.push(...[method].flat())
    methods.set(url, [method].flat())
    const onRequest = async (request: FastifyRequest, reply: FastifyReply) => preflight(request, reply)
    app.options(url, { config: { scope: 'public' }, schema: { hide: true }, onRequest }, async () => undefined)
  })
  app.addHook('onSend', (request, reply, _payload, done) => {
    const origin = allowed(request)
    if (origin !== '*') reply.header('vary', 'origin')
    if (origin) {
      reply.header('access-control-allow-origin', origin)
      reply.header('access-control-expose-headers', EXPOSED)
      reply.header('cross-origin-resource-policy', 'cross-origin')
    }
    done()
  })
}
