import { z } from 'zod'
import type { WorkSlots } from '#libs/http/limits/work-slots.ts'
import { cursorInstant, decodeCursor, encodeCursor, pageQuery, pageSchema } from '#libs/http/pages.ts'
import { errors } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database } from '#libs/postgres/database.ts'
import { toInstant } from '#libs/runtime/clock.ts'
import type { TimelineEvent } from '../../log/timeline-page.ts'
import { loadTimeline } from '../../log/timeline-store.ts'
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

const cursorSchema = z.object({ occurredAt: cursorInstant, id: z.string(), source: z.string() })

const toEvent = (event: TimelineEvent): z.infer<typeof eventSchema> => ({
  id: event.id,
  source: event.source,
  type: event.type,
  userId: event.userId,
  occurredAt: toInstant(event.occurredAt),
  receivedAt: toInstant(event.receivedAt),
  properties: event.properties,
})

export const accountEventRoutes = ({
  database,
  pageSlots,
}: {
  readonly database: Database
  readonly pageSlots: WorkSlots
}) =>
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
        const { events, hasMore } = await pageSlots(key.tenantId, () =>
          loadTimeline(database, key, { limit: query.limit, cursor }),
        )
        const last = hasMore ? events.at(-1) : undefined
        return {
          items: events.map(toEvent),
          nextCursor: last ? encodeCursor({ occurredAt: last.occurredAt, id: last.id, source: last.source }) : null,
        }
      },
    )
  })
