import { z } from 'zod'
import { recordAudit } from '#libs/access/audit-store.ts'
import { onlyOperators } from '#libs/access/routes/only-operators.ts'
import { decodeCursor, pageOf, pageQuery, pageSchema } from '#libs/http/pages.ts'
import { errors, notFound } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database } from '#libs/postgres/database.ts'
import { toInstant } from '#libs/runtime/clock.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { parseInstant } from '#libs/time/instant.ts'
import {
  type DeadLetterSummary,
  dropDeadLetter,
  findDeadLetter,
  listDeadLetters,
} from '../dead-letters/dead-letter-store.ts'
import type { ReplayDeadLetters } from '../dead-letters/replay-dead-letters.ts'

const EXAMPLE = {
  id: '7bc148ae-7d1e-5501-8c22-dae41a8f0b75',
  topic: 'usage.events',
  partition: 3,
  offset: 1_204,
  key: 'default:acme',
  reason: 'occurredAt: an RFC 3339 instant wanted',
  at: '2026-11-30T10:00:00.000Z',
  status: 'waiting' as const,
}

const summaryFields = z.object({
  id: z.uuid(),
  topic: z.string(),
  partition: z.int(),
  offset: z.int().describe('Of the original record'),
  key: z.string(),
  reason: z.string(),
  at: z.iso.datetime().describe('When the record was dead-lettered'),
  status: z.enum(['waiting', 'replayed', 'dropped']),
})
const summarySchema = summaryFields.meta({ examples: [EXAMPLE] })
const letterSchema = summaryFields
  .extend({ headers: z.record(z.string(), z.string()), value: z.string().describe('The original bytes, base64') })
  .meta({ examples: [{ ...EXAMPLE, headers: { kind: 'event' }, value: 'eyJpZCI6ImUtMSJ9' }] })

const instant = z.iso.datetime({ offset: true })
const filterFields = {
  topic: z.string().min(1).max(256).optional().describe('Topic of the original record'),
  reason: z.string().min(1).max(256).optional().describe('Part of the reason, in any case'),
  from: instant.optional(),
  to: instant.optional().describe('Before this instant'),
}
const filterSchema = z.strictObject(filterFields).meta({ examples: [{ topic: 'usage.events', reason: 'occurredAt' }] })
const params = z.object({ letterId: z.uuid().meta({ examples: [EXAMPLE.id] }) })
const replayedSchema = z.object({ replayed: z.int() }).meta({ examples: [{ replayed: 42 }] })
const cursorSchema = z.object({ at: z.number().min(-8.64e15).max(8.64e15), id: z.uuid() })

const toFilter = ({ topic, reason, from, to }: z.infer<typeof filterSchema>) => ({
  topic,
  reason,
  from: from === undefined ? undefined : parseInstant(from),
  to: to === undefined ? undefined : parseInstant(to),
})
const toItem = ({ at, ...letter }: DeadLetterSummary) => ({ ...letter, at: toInstant(at) })

/** Why nothing can be done with the letter now. */
const refusal = (letter: DeadLetterSummary | undefined): RequestError => {
  if (!letter) return notFound('dead letter')
  return letter.status === 'waiting'
    ? new RequestError(409, 'being_replayed', 'The dead letter is being replayed: look again in a minute')
    : new RequestError(409, 'not_waiting', 'The dead letter was replayed or dropped before')
}

type Deps = { readonly database: Database; readonly replay: ReplayDeadLetters }

/** Letters may be of any tenant and of none: the routes are for operators. */
export const deadLetterRoutes = ({ database, replay }: Deps) =>
  routes((app) => {
    const route = { config: { scope: 'admin' as const }, preHandler: onlyOperators }
    app.get(
      '/v1/dead-letters',
      {
        ...route,
        schema: {
          operationId: 'listDeadLetters',
          summary: 'Records that could not be processed, newest first',
          tags: ['operations'],
          querystring: z.object({ ...pageQuery, ...filterFields }),
          response: { 200: pageSchema(summarySchema) },
        },
      },
      async ({ query }) => {
        const { limit, cursor, ...filter } = query
        const after = decodeCursor(cursorSchema, cursor)
        const rows = await listDeadLetters(database, toFilter(filter), { limit, after })
        return pageOf(rows, limit, toItem, ({ at, id }) => ({ at, id }))
      },
    )
    app.get(
      '/v1/dead-letters/:letterId',
      {
        ...route,
        schema: {
          operationId: 'getDeadLetter',
          summary: 'A dead letter with its headers and its original bytes',
          tags: ['operations'],
          params,
          response: { 200: letterSchema, ...errors(404) },
        },
      },
      async ({ params }) => {
        const letter = await findDeadLetter(database, params.letterId)
        if (!letter) throw notFound('dead letter')
        return { ...letter, at: toInstant(letter.at), value: letter.value.toString('base64') }
      },
    )
    app.post(
      '/v1/dead-letters/:letterId/replay',
      {
        ...route,
        schema: {
          operationId: 'replayDeadLetter',
          summary: 'Puts the record on its topic again, where it counts once',
          tags: ['operations'],
          params,
          response: { 202: replayedSchema, ...errors(404, 409) },
        },
      },
      async ({ params, principal }, reply) => {
        const id = params.letterId
        const replayed = await replay(principal, { id })
        if (replayed > 0) return reply.code(202).send({ replayed })
        throw refusal(await findDeadLetter(database, id))
      },
    )
    app.post(
      '/v1/dead-letters/replay',
      {
        ...route,
        schema: {
          operationId: 'replayDeadLetters',
          summary: 'Puts every waiting record that matches on its topic again; ask again while some are left',
          tags: ['operations'],
          body: filterSchema,
          response: { 202: replayedSchema, ...errors(422) },
        },
      },
      async ({ body, principal }, reply) => reply.code(202).send({ replayed: await replay(principal, toFilter(body)) }),
    )
    app.delete(
      '/v1/dead-letters/:letterId',
      {
        ...route,
        schema: {
          operationId: 'dropDeadLetter',
          summary: 'Gives a dead letter up: it is kept and no longer waits',
          tags: ['operations'],
          params,
          response: { 204: z.null().describe('Dropped'), ...errors(404, 409) },
        },
      },
      async ({ params, principal }, reply) => {
        const { letterId } = params
        await database.transaction(async (tx) => {
          const letter = await findDeadLetter(tx, letterId)
          if (!letter || !(await dropDeadLetter(tx, letterId))) throw refusal(letter)
          const { topic, partition, offset } = letter
          const detail = { topic, partition, offset }
          await recordAudit(tx, principal, { action: 'dead_letter.dropped', subject: letterId, detail })
        })
        return reply.code(204).send(null)
      },
    )
  })
