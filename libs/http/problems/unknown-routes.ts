import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '#libs/runtime/clock.ts'
import { hasBody } from '../limits/reservations.ts'
import { answerEarly } from './answer-early.ts'
import { sendProblem } from './error-handler.ts'
import { PROBLEM_TYPE, type ProblemOptions, problem } from './problem.ts'

type Pattern = { readonly method: string; readonly pattern: RegExp }

const describe = (allowed: readonly string[]): ProblemOptions =>
  allowed.length === 0
    ? { status: 404, code: 'not_found', detail: 'There is nothing at this path' }
    : { status: 405, code: 'method_not_allowed', detail: `This path takes ${allowed.join(', ')}` }

/**
 * 404, or 405 with `Allow` when the path exists for other methods: before a body is read, since
 * nobody has shown a key.
 */
export const handleUnknownRoutes = (app: FastifyInstance, clock: Clock): void => {
  const known: Pattern[] = []
  app.addHook('onRoute', ({ method, url }) => {
    const source = url
      .replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll(/:[A-Za-z]\w*/g, '[^/]+')
      .replaceAll('*', '.*')
    for (const name of [method].flat())
      known.push({ method: name, pattern: new RegExp(`^${source.replace(/\/$/, '')}/?$`) })
  })
  const answer = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const path = request.url.split('?', 1)[0]!
    const allowed = [...new Set(known.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))]
    const options = describe(allowed)
    if (allowed.length > 0) reply.header('allow', allowed.join(', '))
    if (!hasBody(request) || request.method === 'HEAD') return sendProblem(request, reply, options)
    reply.code(options.status).type(PROBLEM_TYPE)
    return answerEarly(clock, request, reply, JSON.stringify(problem(options, request.id)))
  }
  app.addHook('onRequest', async (request, reply) => (request.is404 ? answer(request, reply) : undefined))
  app.setNotFoundHandler(answer)
}
