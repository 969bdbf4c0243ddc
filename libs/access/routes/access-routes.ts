import type { FastifyPluginAsync } from 'fastify'
import { auditRoutes } from './audit-routes.ts'
import { type KeyRoutesDeps, keyRoutes } from './key-routes.ts'
import { tenantKeyRoutes } from './tenant-key-routes.ts'
import { tenantRoutes } from './tenant-routes.ts'
import { tenantStateRoutes } from './tenant-state-routes.ts'

export const accessRoutes =
  (deps: KeyRoutesDeps): FastifyPluginAsync =>
  async (app) => {
    await app.register(keyRoutes(deps))
    await app.register(tenantRoutes(deps))
    await app.register(tenantKeyRoutes(deps))
    await app.register(tenantStateRoutes(deps))
    await app.register(auditRoutes(deps))
  }
