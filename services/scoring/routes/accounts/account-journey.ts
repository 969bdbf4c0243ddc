import { z } from 'zod'
import { stageSchema } from '#libs/contracts/account-health.ts'
import type { AccountKey } from '#libs/contracts/topics.ts'
import { errors, notFound } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import { type Clock, toInstant } from '#libs/runtime/clock.ts'
import { newId } from '#libs/runtime/ids.ts'
import { applyEvents } from '../../core/account/apply-events.ts'
import { BYPASS_TYPE } from '../../core/events/event-types.ts'
import type { Journey } from '../../core/journey/journey.ts'
import type { AccountCommand, ApplyCommand } from '../../flush/apply-command.ts'
import type { AccountViews } from '../../queries/account-views.ts'
import { accountParams } from './account-params.ts'

const instant = z.iso.datetime()

const journeySchema = z
  .object({
    stage: stageSchema,
    since: instant.nullable(),
    daysInStage: z.int(),
    progress: z.number().nullable().describe('0..100 within the stage'),
    expectedProgress: z.number().nullable(),
    eta: z.looseObject({ basis: z.string() }),
    overdueDays: z.int().nullable(),
    stalledDays: z.int().nullable(),
    watchUntil: instant.nullable(),
    history: z.array(
      z.object({ stage: stageSchema, enteredAt: instant, leftAt: instant.nullable(), openedBy: z.unknown() }),
    ),
    gates: z.array(z.looseObject({ gate: z.string(), passed: z.boolean() })).describe('Gates of the measured journey'),
    steps: z.array(z.looseObject({ stepId: z.string() })).describe('Steps of the measured journey'),
    journeys: z.array(z.looseObject({ journeyId: z.string() })),
  })
  .meta({
    examples: [
      {
        stage: 'onboarding',
        since: '2026-10-01T08:00:00.000Z',
        daysInStage: 30,
        progress: 50,
        expectedProgress: 33.3333,
        eta: { basis: 'insufficient_data' },
        overdueDays: 0,
        stalledDays: 4,
        watchUntil: null,
        history: [
          { stage: 'onboarding', enteredAt: '2026-10-01T08:00:00.000Z', leftAt: null, openedBy: 'first_event' },
        ],
        gates: [{ gate: 'first_value', passed: false, passedAt: null }],
        steps: [{ stepId: 'import', completedAt: '2026-10-05T08:00:00.000Z', stalledDays: null }],
        journeys: [{ journeyId: 'main', startedAt: '2026-10-01T08:00:00.000Z', endedAt: null }],
      },
    ],
  })

/** Turns instants, which have a name in `At` or a known name, into RFC 3339 texts. */
const withInstants = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withInstants)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      typeof field === 'number' && (name.endsWith('At') || name === 'at' || name === 'since' || name === 'watchUntil')
        ? toInstant(field)
        : withInstants(field),
    ]),
  )
}

/** The measured journey: the open journey that started last, else the journey that ended last. */
const measuredOf = (journey: Journey) =>
  journey.journeys.filter((run) => run.endedAt === null).at(-1) ??
  [...journey.journeys].sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0)).at(-1)

const bypassSchema = z
  .object({ journeyId: z.string().min(1).max(256).optional(), reason: z.string().trim().min(1).max(1_000) })
  .meta({ examples: [{ journeyId: 'main', reason: 'Migrated by our own team; nothing left to do' }] })

/** Only Pulso makes this event, and counts it at once. Scoring refuses the event on the topic. */
const bypassing = (key: AccountKey, now: number, id: string, properties: Record<string, unknown>): AccountCommand => {
  const at = { occurredAt: now, receivedAt: now }
  const event = { id, source: 'pulso', type: BYPASS_TYPE, userId: null, properties }
  const instants = { occurredAt: toInstant(now), receivedAt: toInstant(now) }
  const raw = JSON.stringify({ ...event, ...key, ...instants, mode: 'live' })
  const events = [{ ...event, ...at, backfill: false, raw }]
  return {
    events,
    apply: (account, context) => applyEvents(account, events, true, context).entries,
    audit: { action: 'journey.bypassed', detail: properties },
  }
}

type Deps = { readonly clock: Clock; readonly views: AccountViews; readonly applyCommand: ApplyCommand }

export const accountJourneyRoutes = ({ clock, views, applyCommand }: Deps) =>
  routes((app) => {
    app.get(
      '/v1/accounts/:accountId/journey',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'getAccountJourney',
          summary: 'The account’s stage in its journey, the stages before and when the next may begin',
          tags: ['accounts'],
          params: accountParams,
          response: { 200: journeySchema, ...errors(404) },
        },
      },
      async ({ params, principal }) => {
        const journey = await views.journey({ tenantId: principal.tenantId, accountId: params.accountId })
        if (journey === undefined) throw notFound('account')
        const measured = measuredOf(journey)
        const shown = { ...journey, gates: measured?.gates ?? [], steps: measured?.steps ?? [] }
        return withInstants(shown) as z.infer<typeof journeySchema>
      },
    )
    app.post(
      '/v1/accounts/:accountId/journey/bypass',
      {
        config: { scope: 'write' },
        schema: {
          operationId: 'bypassOnboarding',
          summary: 'Ends an onboarding journey before its gates are passed; recorded as an event of the account',
          tags: ['accounts'],
          params: accountParams,
          body: bypassSchema,
          response: {
            202: z.object({ id: z.string() }).meta({ examples: [{ id: '019371d5-4b1e-7cc0-8f4e-0a3f0d9c2b11' }] }),
            ...errors(404, 422),
          },
        },
      },
      async ({ params, body, principal }, reply) => {
        const key = { tenantId: principal.tenantId, accountId: params.accountId }
        const id = newId()
        const properties = { journeyId: body.journeyId ?? 'main', reason: body.reason, by: principal.name }
        await applyCommand(principal, params.accountId, bypassing(key, clock.now(), id, properties))
        return reply.code(202).send({ id })
      },
    )
  })
