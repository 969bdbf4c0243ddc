import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyPluginAsync, RawServerDefault } from 'fastify'
import type { FastifyBaseLogger } from 'fastify/types/logger.js'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'

/** The server as routes see it: schemas are zod, and `request.query`, `body`, `params` and answers have their types. */
export type ZodApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>

/**
 * A plugin of routes:
 * `routes((app) => { app.get('/v1/things', { config: { scope: 'read' }, schema: { operationId, summary, querystring, response: { 200: page, ...errors(404) } } }, handler) })`
 */
export const routes =
  (define: (app: ZodApp) => void | Promise<void>): FastifyPluginAsync =>
  async (instance) => {
    await define(instance.withTypeProvider<ZodTypeProvider>())
  }
