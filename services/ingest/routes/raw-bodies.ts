import type { FastifyInstance, FastifyRequest } from 'fastify'
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
