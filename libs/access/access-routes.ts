import type { FastifyPluginAsync } from 'fastify'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { auditRoutes } from './audit-routes.ts'
import type { AnswerOnce } from './idempotent-reply.ts'
import { keyRoutes } from './keys/key-routes.ts'
import { tenantRoutes } from './tenant-routes.ts'

export type AccessDeps = { readonly database: Database; readonly clock: Clock; readonly answerOnce: AnswerOnce }

/** Keys, tenants and the audit trail over HTTP: `app.register(accessRoutes({ database, clock, answerOnce }))`. */
export const accessRoutes =
  (deps: AccessDeps): FastifyPluginAsync =>
  async (app) => {
    await app.register(keyRoutes(deps))
    await app.register(tenantRoutes(deps))
    await app.register(auditRoutes(deps))
  }
