import { z } from 'zod'
import { type AccountHealth, bandSchema, stageSchema } from '#libs/contracts/account-health.ts'
import type { WorkSlots } from '#libs/http/limits/work-slots.ts'
import { cursorInstant, decodeCursor, pageOf, pageQuery, pageSchema } from '#libs/http/pages.ts'
import { errors } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database } from '#libs/postgres/database.ts'
import { toInstant } from '#libs/runtime/clock.ts'
import type { Zone } from '#libs/time/time-zone.ts'
import type { PastDay } from '../../core/account/past-days.ts'
import { type HistoryRow, listDailyHistory, listHistory, readChanges } from '../../log/history-store.ts'
import { requireAccount } from '../../queries/account-list-store.ts'
import type { RebuildPast } from '../../queries/rebuild-past.ts'
import { accountParams } from './account-params.ts'
import { instantParameter, readInstant } from './instant-parameter.ts'

const pointSchema = z
  .object({
    at: z.iso.datetime(),
    score: z.number().nullable(),
    band: bandSchema,
    stage: stageSchema,
    model: z.object({ id: z.string(), version: z.int() }),
    markers: z.array(z.string()).describe('Causes other than behaviour: model_change, override, backfill'),
  })
  .meta({
    id: 'HistoryPoint',
    examples: [
      {
        at: '2026-11-22T10:00:00.000Z',
        score: 73.5839,
        band: 'watch',
        stage: 'adoption',
        model: { id: 'default', version: 1 },
        markers: [],
      },
    ],
  })

const toPoint = (change: AccountHealth, row: HistoryRow): z.infer<typeof pointSchema> => {
  const moved = change.cause === 'model_change' || change.explanation.some((line) => line.cause === 'model_change')
  const markers = moved ? ['model_change'] : []
  if (change.cause === 'override' || change.cause === 'erasure') markers.push(change.cause)
  else if (change.backfill) markers.push('backfill')
  return {
    at: toInstant(row.at),
    score: row.score,
    band: change.health.band,
    stage: change.health.stage,
    model: change.model,
    markers,
  }
}

const historyQuery = z.object({
  ...pageQuery,
  from: instantParameter,
  to: instantParameter,
  resolution: z.enum(['change', 'day']).default('change').describe('day: the last change of each local day'),
})

type Deps = {
  readonly database: Database
  readonly zone: Zone
  readonly rebuildPast: RebuildPast
  readonly pageSlots: WorkSlots
}

/** The version of a day rebuilt from a backfill: sorts before every recorded change. */
const PAST_VERSION = 0

const toPastPoint = ({ at, evaluation, model: { model } }: PastDay): z.infer<typeof pointSchema> => ({
  at: toInstant(at),
  score: evaluation.score,
  band: evaluation.band,
  stage: evaluation.stage,
  model: { id: model.id, version: model.version },
  markers: ['backfill'],
})

export const accountHistoryRoutes = ({ database, zone, rebuildPast, pageSlots }: Deps) =>
  routes((app) => {
    app.get(
      '/v1/accounts/:accountId/history',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'getAccountHistory',
          summary: 'Score, band and stage over time, oldest first',
          description:
            'Days before the first change are computed from what was backfilled, one point for each on which something moved.',
          tags: ['accounts'],
          params: accountParams,
          querystring: historyQuery,
          response: { 200: pageSchema(pointSchema), ...errors(404, 422) },
        },
      },
      async ({ params, query, principal }) => {
        const key = { tenantId: principal.tenantId, accountId: params.accountId }
        await requireAccount(database, key)
        const page = {
          from: query.from === undefined ? null : readInstant('from', query.from),
          to: query.to === undefined ? null : readInstant('to', query.to),
          after: decodeCursor(z.object({ at: cursorInstant, version: z.int() }), query.cursor),
          limit: query.limit + 1,
        }
        const recorded = await pageSlots(key.tenantId, async () => {
          const rows =
            query.resolution === 'day'
              ? await listDailyHistory(database, key, zone.name, page)
              : await listHistory(database, key, page)
          return readChanges(database, rows, (change, row) => {
            const { at, version } = row
            return { at, version, point: toPoint(change, row) }
          })
        })
        const past = page.after === undefined || page.after.version === PAST_VERSION ? await rebuildPast(key) : []
        const isAsked = ({ at }: PastDay): boolean =>
          at >= (page.from ?? at) && at <= (page.to ?? at) && at > (page.after?.at ?? Number.NEGATIVE_INFINITY)
        const points = [
          ...past.filter(isAsked).map((day) => ({ at: day.at, version: PAST_VERSION, point: toPastPoint(day) })),
          ...recorded,
        ]
        return pageOf(
          points,
          query.limit,
          ({ point }) => point,
          ({ at, version }) => ({ at, version }),
        )
      },
    )
  })
