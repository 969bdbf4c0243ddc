import { z } from 'zod'
import { decodeCursor, pageOf, pageQuery, pageSchema } from '#libs/http/pages.ts'
import { errors } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database } from '#libs/postgres/database.ts'
import { toInstant } from '#libs/runtime/clock.ts'
import type { ReceivedEvent } from '../../core/events/parse-event.ts'
import { loadTimeline } from '../../log/event-store.ts'
import { requireAccount } from '../../queries/account-list-store.ts'
import { accountParams } from './account-params.ts'

const eventSchema = z
  .object({
    id: z.string(),
    source: z.string(),
    type: z.string(),
    userId: z.string().nullable(),
    occurredAt: z.iso.datetime(),
    receivedAt: z.iso.datetime(),
    properties: z.record(z.string(), z.unknown()),
  })
  .meta({
    examples: [
      {
        id: 'evt-1',
        source: 'web',
        type: 'Feature Used',
        userId: 'u-7',
        occurredAt: '2026-11-22T10:00:00.000Z',
        receivedAt: '2026-11-22T10:00:00.120Z',
        properties: { feature: 'reports', core: true },
      },
    ],
  })

const cursorSchema = z.object({ occurredAt: z.number(), id: z.string(), source: z.string() })

const toEvent = (event: ReceivedEvent): z.infer<typeof eventSchema> => ({
  id: event.id,
  source: event.source,
  type: event.type,
  userId: event.userId,
  occurredAt: toInstant(event.occurredAt),
  receivedAt: toInstant(event.receivedAt),
  properties: event.properties,
})

export const accountEventRoutes = ({ database }: { readonly database: Database }) =>
  routes((app) => {
    app.get(
      '/v1/accounts/:accountId/events',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'listAccountEvents',
          summary: 'The account’s timeline, newest first, each event once',
          tags: ['accounts'],
          params: accountParams,
          querystring: z.object(pageQuery),
          response: { 200: pageSchema(eventSchema), ...errors(404) },
        },
      },
      async ({ params, query, principal }) => {
        const key = { tenantId: principal.tenantId, accountId: params.accountId }
        await requireAccount(database, key)
        const cursor = decodeCursor(cursorSchema, query.cursor)
        const events = await loadTimeline(database, key, { limit: query.limit + 1, cursor })
        return pageOf(events, query.limit, toEvent, ({ occurredAt, id, source }) => ({ occurredAt, id, source }))
      },
    )
  })
