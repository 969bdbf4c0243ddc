import type { FastifyInstance, FastifyRequest } from 'fastify'
import { hasBody } from '#libs/http/limits/reservations.ts'
import { badEnvelope } from '../reading/body-text.ts'

/** Within this plugin, bodies of these types arrive as bytes: ingest parses them itself. */
export const takeRawBodies = (app: FastifyInstance, types: readonly string[]): void => {
  if (types.includes('application/json')) app.removeContentTypeParser('application/json')
  for (const type of types)
    app.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
}

/** Takes the body off the request, to free it early. Only binary CloudEvents may have no body. */
export const takeBody = (request: FastifyRequest): Buffer => {
  const { body } = request
  request.body = undefined
  if (Buffer.isBuffer(body)) return body
  if (request.headers['ce-specversion'] !== undefined) return Buffer.alloc(0)
  throw badEnvelope('empty_body', 'The body is empty')
}

/** A beacon whose bytes have no type comes without Content-Type. */
export const takeUntypedBodies = (app: FastifyInstance): void => {
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.headers['content-type'] === undefined && hasBody(request))
      request.raw.headers['content-type'] = 'text/plain'
    done()
  })
}
