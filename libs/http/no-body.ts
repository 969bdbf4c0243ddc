import type { FastifyInstance } from 'fastify'
import type { z } from 'zod'
import { hasBody } from './limits/reservations.ts'

/** Clients name a type for each request. A body that is neither there nor needed has none. */
export const ignoreTypeOfNoBody = (app: FastifyInstance): void => {
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.headers['content-type'] !== undefined && !hasBody(request)) {
      const schema = request.routeOptions.schema?.body as z.ZodType | undefined
      if (!schema || schema.safeParse(undefined).success) delete request.raw.headers['content-type']
    }
    done()
  })
}
