import type { FastifyReply, FastifyRequest } from 'fastify'
import { validatorCompiler } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { usageEventSchema } from '#libs/contracts/usage-event.ts'
import { errors, PROBLEM_TYPE, problem, problemSchema } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { AcceptEvents } from '../acceptance/accept-events.ts'
import { type Outcome, outcomeSchema } from '../acceptance/verdicts.ts'
import { readEnvelope } from '../reading/read-envelope.ts'
import { takeBody, takeRawBodies } from './raw-bodies.ts'

const TYPES = [
  'application/json',
  'application/x-ndjson',
  'application/ndjson',
  'application/cloudevents+json',
  'application/cloudevents-batch+json',
]

const EXAMPLE = {
  id: 'evt-1',
  source: 'web',
  type: 'Feature Used',
  accountId: 'acme',
  userId: 'u-7',
  occurredAt: '2026-11-22T10:00:00.000Z',
  properties: { feature: 'reports', core: true },
}

const bodySchema = z
  .union([
    usageEventSchema,
    z.array(usageEventSchema).min(1).max(1_000),
    z.object({
      events: z.array(usageEventSchema).min(1).max(1_000),
      sentAt: z.iso.datetime({ offset: true }).optional(),
    }),
  ])
  .meta({
    description: 'One event, a list, or a list with `sentAt`; NDJSON and CloudEvents 1.0 by Content-Type',
    examples: [EXAMPLE, { events: [EXAMPLE], sentAt: '2026-11-22T10:00:01.000Z' }],
  })

const FAULT = { pointer: '/events/0/occurredAt', code: 'invalid_format', detail: 'Invalid ISO datetime' }

const refusedSchema = problemSchema.extend(outcomeSchema.shape).meta({
  id: 'EventsRefused',
  description: 'The problem, with a verdict for each event',
  examples: [
    {
      type: 'urn:pulso:problem:events_rejected',
      title: 'Unprocessable Entity',
      status: 422,
      detail: 'No event was accepted',
      code: 'events_rejected',
      requestId: '019371d5-4b1e-7cc0-8f4e-0a3f0d9c2b11',
      errors: [FAULT],
      accepted: 0,
      duplicate: 0,
      rejected: 1,
      results: [
        {
          index: 0,
          id: 'evt-1',
          status: 'rejected',
          problem: { code: 'invalid_event', detail: 'The event is not valid', errors: [FAULT] },
          retryable: false,
        },
      ],
    },
  ],
})

const ATOMIC = z.object({
  atomic: z.enum(['true', 'false']).default('false').describe('Accept all events or none'),
})

/** `POST /v1/events` answers 202 if all events count, 207 if some count, 422 if none counts. */
export const eventRoutes = ({ accept }: { readonly accept: AcceptEvents }) =>
  routes((app) => {
    takeRawBodies(app, TYPES)
    app.post(
      '/v1/events',
      {
        config: { scope: 'ingest' },
        // `accept` checks each event and the handler serializes the answer: zod would repeat both.
        validatorCompiler: (part) =>
          part.httpPart === 'body' ? (value) => ({ value }) : validatorCompiler(part as never),
        serializerCompiler: () => JSON.stringify,
        schema: {
          operationId: 'postEvents',
          summary: 'Reports events; answers when the log has acknowledged them',
          tags: ['ingest'],
          consumes: TYPES,
          querystring: ATOMIC,
          body: bodySchema,
          response: {
            202: outcomeSchema.describe('Every event counts'),
            207: outcomeSchema.describe('Some events were rejected'),
            422: {
              description: 'Every event was rejected',
              content: { [PROBLEM_TYPE]: { schema: refusedSchema } },
            },
            ...errors(413, 415),
          },
        },
      },
      async (request, reply) => {
        const { headers, principal, query } = request
        const atomic = query.atomic === 'true'
        const outcome = await accept({ ...readEnvelope(takeBody(request), headers), principal, atomic })
        return answer(request, reply as unknown as FastifyReply, outcome)
      },
    )
  })

const answer = (request: FastifyRequest, reply: FastifyReply, outcome: Outcome): FastifyReply => {
  const { abandoned: _, ...body } = outcome
  if (outcome.rejected === 0) return reply.code(202).send(body)
  if (outcome.rejected < outcome.results.length) return reply.code(207).send(body)
  const faults = outcome.results.flatMap((result) => result.problem?.errors ?? [])
  const options = { status: 422, code: 'events_rejected', detail: 'No event was accepted', errors: faults }
  return reply
    .code(422)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify({ ...problem(options, request.id), ...body }))
}
