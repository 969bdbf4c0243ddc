import type { FastifyInstance, FastifyRequest } from 'fastify'
import { badEnvelope } from '../body-text.ts'

/** Within this plugin bodies of these types arrive as bytes: ingest reads them itself. */
export const takeRawBodies = (app: FastifyInstance, types: readonly string[]): void => {
  if (types.includes('application/json')) app.removeContentTypeParser('application/json')
  for (const type of types)
    app.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
}

/** The bytes of the body, once: what has been read must not wait in memory for the log. Only a CloudEvent in headers may have none. */
export const takeBody = (request: FastifyRequest): Buffer => {
  const { body } = request
  request.body = undefined
  if (Buffer.isBuffer(body)) return body
  if (request.headers['ce-specversion'] !== undefined) return Buffer.alloc(0)
  throw badEnvelope('empty_body', 'The body is empty')
}
