import { z } from 'zod'
import { bandSchema } from '#libs/contracts/account-health.ts'
import { cursorInstant, decodeCursor, pageOf, pageQuery, pageSchema } from '#libs/http/pages.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database } from '#libs/postgres/database.ts'
import { type Clock, toInstant } from '#libs/runtime/clock.ts'
import { type BackfillRow, listBackfills, QUIET_MS } from '../sources/backfill-store.ts'

const instant = z.iso.datetime()

const backfillSchema = z
  .object({
    source: z.string(),
    state: z.enum(['running', 'ended']).describe('Ended: no event for 5 minutes'),
    startedAt: instant.describe('When the first event was counted'),
    lastEventAt: instant.describe('When the newest event was counted'),
    events: z.int().describe('Events counted, without duplicates'),
    accounts: z.int().describe('Accounts with an event in the run'),
    bandMoves: z
      .array(
        z.object({ from: bandSchema.nullable().describe('Null: a new account'), to: bandSchema, accounts: z.int() }),
      )
      .describe('Accounts whose band differs after the run'),
  })
  .meta({
    id: 'Backfill',
    examples: [
      {
        source: 'warehouse',
        state: 'ended',
        startedAt: '2026-11-22T10:00:00.000Z',
        lastEventAt: '2026-11-22T10:07:30.000Z',
        events: 180_000,
        accounts: 950,
        bandMoves: [
          { from: null, to: 'watch', accounts: 900 },
          { from: 'healthy', to: 'watch', accounts: 12 },
        ],
      },
    ],
  })

const cursorSchema = z.object({ startedAt: cursorInstant, source: z.string() })

export const backfillRoutes = ({ database, clock }: { readonly database: Database; readonly clock: Clock }) =>
  routes((app) => {
    app.get(
      '/v1/backfills',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'listBackfills',
          summary: 'Runs of backfilled events, newest first, with their accounts and band changes',
          tags: ['accounts'],
          querystring: z.object(pageQuery),
          response: { 200: pageSchema(backfillSchema) },
        },
      },
      async ({ query, principal }) => {
        const after = decodeCursor(cursorSchema, query.cursor)
        const rows = await listBackfills(database, principal.tenantId, { after, limit: query.limit + 1 })
        const now = clock.now()
        const toItem = (row: BackfillRow): z.infer<typeof backfillSchema> => ({
          source: row.source,
          state: row.summedUp || row.lastAt < now - QUIET_MS ? 'ended' : 'running',
          startedAt: toInstant(row.startedAt),
          lastEventAt: toInstant(row.lastAt),
          events: row.events,
          accounts: row.accounts,
          bandMoves: row.bandMoves as z.infer<typeof backfillSchema>['bandMoves'],
        })
        return pageOf(rows, query.limit, toItem, ({ startedAt, source }) => ({ startedAt, source }))
      },
    )
  })
