import type { FastifyInstance } from 'fastify'

/** Within this plugin bodies of these types arrive as bytes: ingest reads them itself. */
export const takeRawBodies = (app: FastifyInstance, types: readonly string[]): void => {
  if (types.includes('application/json')) app.removeContentTypeParser('application/json')
  for (const type of types)
    app.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
}
