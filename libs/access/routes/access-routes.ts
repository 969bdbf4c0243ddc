import type { FastifyPluginAsync } from 'fastify'
import { auditRoutes } from './audit-routes.ts'
import { type KeyRoutesDeps, keyRoutes } from './key-routes.ts'
import { tenantRoutes } from './tenant-routes.ts'

export const accessRoutes =
  (deps: KeyRoutesDeps): FastifyPluginAsync =>
  async (app) => {
    await app.register(keyRoutes(deps))
    await app.register(tenantRoutes(deps))
    await app.register(auditRoutes(deps))
  }
