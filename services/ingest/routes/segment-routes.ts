import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Keyring } from '#libs/access/keyring.ts'
import { authenticateKey } from '#libs/http/authenticate.ts'
import { errors } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { AcceptEvents } from '../acceptance/accept-events.ts'
import type { AnalyticsQuery } from '../reading/analytics-body.ts'
import { type KeyedEnvelope, readSegmentBatch, readSegmentCall } from '../reading/read-analytics.ts'
import { ANALYTICS_TYPES, analyticsAnswer, analyticsAnswerSchema, undocumentedByZod } from './analytics-answer.ts'
import { takeBody, takeRawBodies, takeUntypedBodies } from './raw-bodies.ts'

const CALLS = ['track', 'identify', 'group', 'page', 'screen', 'alias'] as const

const BATCH_PATHS = [
  ['/v1/batch', 'postSegmentBatch'],
  ['/v1/b', 'postSegmentBrowserBatch'],
  ['/beacon/v1/batch', 'postRudderstackBeacon'],
] as const

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

const metricsSchema = z.looseObject({}).meta({ examples: [{ series: [] }] })
const droppedSchema = z.object({ success: z.literal(true) }).meta({ examples: [{ success: true }] })

type Read = (body: Buffer, query: AnalyticsQuery) => KeyedEnvelope

/** The HTTP API of Segment and RudderStack for their libraries; a Pulso key is the write key. */
export const segmentRoutes = ({ accept, keyring }: { readonly accept: AcceptEvents; readonly keyring: Keyring }) =>
  routes((app) => {
    takeRawBodies(app, ANALYTICS_TYPES)
    takeUntypedBodies(app)
    // Libraries of servers send the key in a header, those of browsers in some cases in the body.
    const config = { scope: 'ingest', keyInBody: 'without_header' } as const
    const shared = { tags: ['analytics clients'], consumes: ANALYTICS_TYPES }
    const response = { 200: analyticsAnswerSchema, ...errors(413, 415) }
    const answer = async (request: FastifyRequest, read: Read) => {
      const { key, ...envelope } = read(takeBody(request), request.query as AnalyticsQuery)
      request.principal ??= await authenticateKey({ keyring, request, key, scope: 'ingest' })
      return analyticsAnswer(await accept({ ...envelope, principal: request.principal }))
    }
    for (const [path, operationId] of BATCH_PATHS) {
      const summary = 'Calls of Segment’s or RudderStack’s libraries'
      const schema = { ...shared, operationId, summary, body: batchSchema, response }
      app.post(path, { ...undocumentedByZod, config, schema }, async (request) => answer(request, readSegmentBatch))
    }
    for (const call of CALLS)
      for (const [path, name] of [
        [call, call],
        [call[0]!, `browser_${call}`],
      ] as const) {
        const operationId = `postSegment${name.split('_').map(capitalized).join('')}`
        const summary = `One ${call} call of the Segment spec`
        const schema = { ...shared, operationId, summary, body: callSchema, response }
        app.post(`/v1/${path}`, { ...undocumentedByZod, config, schema }, async (request) =>
          answer(request, (body, query) => readSegmentCall(body, call, query)),
        )
      }
    app.post(
      '/v1/m',
      {
        ...undocumentedByZod,
        // These bring no key. What they bring takes a share of the address and is dropped.
        config: { scope: 'ingest', keyInBody: true },
        schema: {
          ...shared,
          operationId: 'postSegmentMetrics',
          summary: 'Figures of Segment’s browser library about itself: dropped',
          body: metricsSchema,
          response: { 200: droppedSchema, ...errors(413, 415) },
        },
      },
      async () => ({ success: true as const }),
    )
  })

const capitalized = (word: string): string => word[0]!.toUpperCase() + word.slice(1)
