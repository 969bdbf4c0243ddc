import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyPluginAsync, RawServerDefault } from 'fastify'
import type { FastifyBaseLogger } from 'fastify/types/logger.js'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'

/** The server as routes see it: zod schemas type `query`, `body`, `params` and answers. */
export type ZodApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** A plugin: `routes((app) => { app.get(path, { config: { scope }, schema }, handler) })`. */
export const routes =
  (define: (app: ZodApp) => void | Promise<void>): FastifyPluginAsync =>
  async (instance) => {
    await define(instance.withTypeProvider<ZodTypeProvider>())
  }
