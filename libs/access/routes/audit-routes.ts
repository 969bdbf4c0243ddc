import { z } from 'zod'
import { decodeCursor, pageOf, pageQuery, pageSchema } from '#libs/http/pages.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database } from '#libs/postgres/database.ts'
import { toInstant } from '#libs/runtime/clock.ts'
import { listAudit } from '../audit-store.ts'

const auditSchema = z
  .object({
    id: z.int(),
    at: z.iso.datetime(),
    keyId: z.string(),
    actor: z.string().describe('Name of the key'),
    action: z.string(),
    subject: z.string(),
    detail: z.record(z.string(), z.unknown()),
  })
  .meta({
    examples: [
      {
        id: 7,
        at: '2026-11-22T10:00:00.000Z',
        keyId: 'h7Jw2kQp',
        actor: 'admin',
        action: 'key.created',
        subject: 'Zt81mPq0',
        detail: { name: 'billing backend', scopes: ['ingest'] },
      },
    ],
  })

export const auditRoutes = ({ database }: { readonly database: Database }) =>
  routes((app) => {
    app.get(
      '/v1/audit',
      {
        config: { scope: 'admin' },
        schema: {
          operationId: 'listAudit',
          summary: 'Every change made by a key, newest first',
          tags: ['access'],
          querystring: z.object(pageQuery),
          response: { 200: pageSchema(auditSchema) },
        },
      },
      async ({ query, principal }) => {
        const beforeId = decodeCursor(z.int().min(1), query.cursor) ?? Number.MAX_SAFE_INTEGER
        const rows = await listAudit(database, principal.tenantId, { limit: query.limit, beforeId })
        return pageOf(
          rows,
          query.limit,
          (row) => ({ ...row, at: toInstant(row.at) }),
          (row) => row.id,
        )
      },
    )
  })
