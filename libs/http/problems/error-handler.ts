import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import type { ErrorDetail } from '#libs/runtime/errors.ts'
import { describeError, PROBLEM_TYPE, type ProblemOptions, problem } from './problem.ts'

const RETRY_AFTER_S = 5

export const sendProblem = (request: FastifyRequest, reply: FastifyReply, options: ProblemOptions): FastifyReply => {
  if (options.status === 503 || options.status === 429)
    if (!reply.hasHeader('retry-after')) reply.header('retry-after', String(RETRY_AFTER_S))
  // A client that is still sending would never read the answer from a connection closed at once.
  if (options.status === 413 || options.status === 503) reply.removeHeader('connection')
  if (options.status === 401) reply.header('www-authenticate', 'Bearer realm="pulso"')
  return reply
    .code(options.status)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problem(options, request.id)))
}

/** Mistakes that a zod schema found: 422 in the body, 404 in the path, 400 in other parameters. */
const describeValidation = (error: FastifyError): ProblemOptions | undefined => {
  if (!hasZodFastifySchemaValidationErrors(error)) return undefined
  const where = error.validationContext ?? 'body'
  const prefix = where === 'body' ? '' : where === 'querystring' ? '/query' : `/${where === 'params' ? 'path' : where}`
  const errors = error.validation.map(
    (issue): ErrorDetail => ({
      pointer: prefix + (issue.instancePath === '/' ? '' : issue.instancePath),
      code: issue.keyword,
      detail: issue.message ?? 'not valid',
    }),
  )
  if (where === 'body') return { status: 422, code: 'invalid_request', detail: 'The request body is not valid', errors }
  return where === 'params'
    ? { status: 404, code: 'not_found', detail: 'Nothing can be at this path', errors }
    : { status: 400, code: 'invalid_parameter', detail: 'A parameter is not valid', errors }
}

/** Answers every error as RFC 9457. Logs the cause of a 500 only. */
export const handleErrors = (app: FastifyInstance): void => {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const options = describeValidation(error) ?? describeError(error)
    if (options.status === 500) request.log.error({ err: error, route: request.routeOptions.url }, 'request failed')
    return sendProblem(request, reply, options)
  })
}
