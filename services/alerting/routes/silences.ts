import { z } from 'zod'
import { assertRoom } from '#libs/access/assert-room.ts'
import { recordAudit } from '#libs/access/audit-store.ts'
import type { IdempotentReply } from '#libs/access/idempotent-reply.ts'
import { decodeCursor, pageOf, pageQuery, pageSchema } from '#libs/http/pages.ts'
import { errors, notFound } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database } from '#libs/postgres/database.ts'
import { type Clock, toInstant } from '#libs/runtime/clock.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { newId } from '#libs/runtime/ids.ts'
import { parseInstant } from '#libs/time/instant.ts'
import { matcherSchema, readMatcher } from '../policy/silence-matcher.ts'
import {
  countSilences,
  deleteSilence,
  insertSilence,
  listSilences,
  type StoredSilence,
} from '../policy/silence-store.ts'
import { unreadable, unreadableShape } from './unreadable-document.ts'

export type SilenceRoutesDeps = {
  readonly database: Database
  readonly clock: Clock
  readonly idempotentReply: IdempotentReply
}

const EXAMPLE = {
  matcher: { ruleId: 'silence' },
  startsAt: '2026-12-24T00:00:00.000Z',
  endsAt: '2026-12-27T00:00:00.000Z',
  comment: 'Holidays',
}

const newSilenceSchema = z
  .object({
    matcher: matcherSchema,
    startsAt: z.iso.datetime({ offset: true }).optional().describe('Default: now'),
    endsAt: z.iso.datetime({ offset: true }),
    comment: z.string().max(500).default(''),
  })
  .meta({ examples: [EXAMPLE] })

const EXAMPLE_ID = '019371d5-4b1e-7cc0-8f4e-0a3f0d9c2b11'
const CREATED = { createdBy: 'ops', createdAt: '2026-12-20T10:00:00.000Z' }

const silenceSchema = z
  .object({
    id: z.uuid(),
    matcher: matcherSchema,
    startsAt: z.iso.datetime(),
    endsAt: z.iso.datetime(),
    comment: z.string(),
    createdBy: z.string(),
    createdAt: z.iso.datetime(),
  })
  .meta({ examples: [{ id: EXAMPLE_ID, ...EXAMPLE, ...CREATED }] })

const { matcher: EXAMPLE_MATCHER, ...REST_OF_EXAMPLE } = EXAMPLE
const unreadableSilenceSchema = silenceSchema
  .omit({ matcher: true })
  .extend(unreadableShape)
  .describe('A silence whose matcher another release has stored and this one cannot read: it mutes nothing')
  .meta({
    examples: [
      {
        id: EXAMPLE_ID,
        ...REST_OF_EXAMPLE,
        ...CREATED,
        ...unreadable('/region: Unrecognized member', { ...EXAMPLE_MATCHER, region: 'eu' }),
      },
    ],
  })
const shownSilenceSchema = z.union([silenceSchema, unreadableSilenceSchema])

const withoutMatcher = (row: StoredSilence) => ({
  id: row.silenceId,
  startsAt: toInstant(row.startsAt),
  endsAt: toInstant(row.endsAt),
  comment: row.comment,
  createdBy: row.createdBy,
  createdAt: toInstant(row.createdAt),
})

const toShown = (row: StoredSilence): z.infer<typeof shownSilenceSchema> => {
  const read = readMatcher(row.matcher)
  return read.ok
    ? { ...withoutMatcher(row), matcher: read.matcher }
    : { ...withoutMatcher(row), ...unreadable(read.problem, row.matcher) }
}

export const silenceRoutes = ({ database, clock, idempotentReply }: SilenceRoutesDeps) =>
  routes((app) => {
    app.get(
      '/v1/silences',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'listSilences',
          summary: 'Silences, newest first',
          tags: ['silences'],
          querystring: z.object(pageQuery),
          response: { 200: pageSchema(shownSilenceSchema) },
        },
      },
      async ({ query, principal }) => {
        const beforeId = decodeCursor(z.uuid(), query.cursor) ?? null
        const rows = await listSilences(database, principal.tenantId, { limit: query.limit, beforeId })
        return pageOf(rows, query.limit, toShown, (row) => row.silenceId)
      },
    )
    app.post(
      '/v1/silences',
      {
        config: { scope: 'write', idempotent: true },
        schema: {
          operationId: 'createSilence',
          summary: 'Plans a silence: alerts that match in that span notify nobody',
          tags: ['silences'],
          body: newSilenceSchema,
          response: { 201: silenceSchema, ...errors(422) },
        },
      },
      async (request, reply) => {
        const { body, principal } = request
        const now = clock.now()
        const startsAt = body.startsAt === undefined ? now : parseInstant(body.startsAt)
        const endsAt = parseInstant(body.endsAt)
        const silence: StoredSilence = {
          silenceId: newId(),
          matcher: body.matcher,
          startsAt,
          endsAt,
          comment: body.comment,
          createdBy: principal.name,
          createdAt: now,
        }
        return idempotentReply({ request, reply, status: 201 }, async (tx) => {
          if (endsAt <= Math.max(startsAt, now))
            throw new RequestError(422, 'invalid_request', 'The request body is not valid', [
              { pointer: '/endsAt', code: 'in_the_past', detail: 'The silence ends after its start and after now' },
            ])
          const { tenantId } = principal
          await assertRoom(tx, { tenantId, kind: 'silences' }, () => countSilences(tx, tenantId, now))
          await insertSilence(tx, principal.tenantId, silence)
          await recordAudit(tx, principal, {
            action: 'silence.created',
            subject: silence.silenceId,
            detail: { matcher: body.matcher, startsAt: toInstant(startsAt), endsAt: toInstant(endsAt) },
          })
          return { ...withoutMatcher(silence), matcher: body.matcher }
        })
      },
    )
    app.delete(
      '/v1/silences/:silenceId',
      {
        config: { scope: 'write' },
        schema: {
          operationId: 'deleteSilence',
          summary: 'Ends a silence at once',
          tags: ['silences'],
          params: z.object({ silenceId: z.uuid().meta({ examples: [EXAMPLE_ID] }) }),
          response: { 204: z.null().describe('Ended'), ...errors(404) },
        },
      },
      async ({ params, principal }, reply) => {
        await database.transaction(async (tx) => {
          if (!(await deleteSilence(tx, principal.tenantId, params.silenceId))) throw notFound('silence')
          await recordAudit(tx, principal, { action: 'silence.deleted', subject: params.silenceId })
        })
        return reply.code(204).send(null)
      },
    )
  })
