import { z } from 'zod'
import { errors } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { AcceptEvents } from '../acceptance/accept-events.ts'
import { readSegmentBatch, readSegmentCall } from '../reading/read-analytics.ts'
import { ANALYTICS_TYPES, analyticsAnswer, analyticsAnswerSchema, undocumentedByZod } from './analytics-answer.ts'
import { takeBody, takeRawBodies } from './raw-bodies.ts'

const CALLS = ['track', 'identify', 'group', 'page', 'screen', 'alias'] as const

const EXAMPLE = {
  messageId: 'node-next-1795348800000-b5a1',
  userId: 'u-7',
  timestamp: '2026-11-22T10:00:00.000Z',
  context: { groupId: 'acme' },
}

const callSchema = z.looseObject({}).meta({
  description: 'A call of the Segment spec',
  examples: [{ ...EXAMPLE, event: 'Feature Used', properties: { feature: 'reports' } }],
})
const batchSchema = z.looseObject({ batch: z.array(z.looseObject({ type: z.string() })) }).meta({
  description: 'Calls of the Segment spec, as sent by the libraries of Segment and RudderStack',
  examples: [{ batch: [{ ...EXAMPLE, type: 'track', event: 'Feature Used' }], sentAt: '2026-11-22T10:00:01.000Z' }],
})

/** The HTTP API of Segment and RudderStack for their libraries; a Pulso key is the write key. */
export const segmentRoutes = ({ accept }: { readonly accept: AcceptEvents }) =>
  routes((app) => {
    takeRawBodies(app, ANALYTICS_TYPES)
    const shared = { tags: ['analytics clients'], consumes: ANALYTICS_TYPES }
    const response = { 200: analyticsAnswerSchema, ...errors(413, 415) }
    app.post(
      '/v1/batch',
      {
        ...undocumentedByZod,
        config: { scope: 'ingest' },
        schema: {
          ...shared,
          operationId: 'postSegmentBatch',
          summary: 'Calls of Segment’s or RudderStack’s libraries',
          body: batchSchema,
          response,
        },
      },
      async (request) =>
        analyticsAnswer(await accept({ ...readSegmentBatch(takeBody(request)), principal: request.principal })),
    )
    for (const call of CALLS)
      app.post(
        `/v1/${call}`,
        {
          ...undocumentedByZod,
          config: { scope: 'ingest' },
          schema: {
            ...shared,
            operationId: `postSegment${call[0]!.toUpperCase()}${call.slice(1)}`,
            summary: `One ${call} call of the Segment spec`,
            body: callSchema,
            response,
          },
        },
        async (request) =>
          analyticsAnswer(await accept({ ...readSegmentCall(takeBody(request), call), principal: request.principal })),
      )
  })
