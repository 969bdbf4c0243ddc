import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { hasBody } from './limits/reservations.ts'

export const needsBody = (request: FastifyRequest): boolean => {
  const schema = request.routeOptions.schema?.body as z.ZodType | undefined
  return schema !== undefined && !schema.safeParse(undefined).success
}

/** Clients name a type for each request. A body that is neither there nor needed has none. */
export const ignoreTypeOfNoBody = (app: FastifyInstance): void => {
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.headers['content-type'] !== undefined && !hasBody(request) && !needsBody(request))
      delete request.raw.headers['content-type']
    done()
  })
}
