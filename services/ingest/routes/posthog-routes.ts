import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Keyring } from '#libs/access/keyring.ts'
import { authenticateKey, keyFromHeader } from '#libs/http/authenticate.ts'
import { errors } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { AcceptEvents } from '../acceptance/accept-events.ts'
import type { AnalyticsQuery } from '../reading/analytics-body.ts'
import { type KeyedEnvelope, readPosthog, readPosthogEngage, readPosthogKey } from '../reading/read-analytics.ts'
import { ANALYTICS_TYPES, analyticsAnswer, analyticsAnswerSchema, undocumentedByZod } from './analytics-answer.ts'
import { takeBody, takeRawBodies, takeUntypedBodies } from './raw-bodies.ts'

type Read = (body: Buffer, query: AnalyticsQuery) => KeyedEnvelope

const querystring = z.looseObject({
  data: z.string().optional().describe('JSON, or JSON in base64'),
  compression: z.string().optional().describe('`base64`, `gzip-js` or `lz64`'),
})

const captureSchema = z.looseObject({ api_key: z.string().optional() }).meta({
  description: 'An event, a list, or {"api_key", "batch"}, as sent by PostHog’s libraries; the key is in the body',
  examples: [
    {
      api_key: 'pulso_live_h7Jw2kQp_...',
      batch: [
        {
          uuid: '019371d5-4b1e-7cc0-8f4e-0a3f0d9c2b11',
          event: 'Feature Used',
          distinct_id: 'u-7',
          timestamp: '2026-11-22T10:00:00.000Z',
          properties: { $groups: { company: 'acme' } },
        },
      ],
    },
  ],
})

/** What the libraries need to go on: nothing is switched on, and which encodings are taken. */
const NO_FLAGS = {
  flags: {},
  featureFlags: {},
  featureFlagPayloads: {},
  errorsWhileComputingFlags: false,
  supportedCompression: ['gzip', 'gzip-js'],
  sessionRecording: false,
  surveys: false,
  siteApps: [],
}
const flagsSchema = z.looseObject({ errorsWhileComputingFlags: z.boolean() }).meta({ examples: [NO_FLAGS] })

const CAPTURE_PATHS = [
  ['/batch/', 'PosthogBatch', readPosthog],
  ['/capture/', 'PosthogCapture', readPosthog],
  ['/e/', 'PosthogEvents', readPosthog],
  ['/i/v0/e/', 'PosthogIngest', readPosthog],
  ['/track/', 'PosthogTrack', readPosthog],
  ['/engage/', 'PosthogEngage', readPosthogEngage],
] as const
const FLAG_PATHS = [
  ['/flags/', 'postPosthogFlags'],
  ['/decide/', 'postPosthogDecide'],
] as const

/** PostHog’s capture API for its libraries; a Pulso key is the project key. No feature flags. */
export const posthogRoutes = ({ accept, keyring }: { readonly accept: AcceptEvents; readonly keyring: Keyring }) =>
  routes((app) => {
    takeRawBodies(app, ANALYTICS_TYPES)
    takeUntypedBodies(app)
    const config = { scope: 'ingest', keyInBody: true } as const
    const tags = ['analytics clients']
    const shared = { tags, consumes: ANALYTICS_TYPES, body: captureSchema }
    const response = { 200: analyticsAnswerSchema, ...errors(413, 415) }
    const answer = async (request: FastifyRequest, body: Buffer, read: Read) => {
      const { key: keyInBody, ...envelope } = read(body, request.query as AnalyticsQuery)
      const key = keyInBody ?? keyFromHeader(request.headers.authorization)
      request.principal = await authenticateKey({ keyring, request, key, scope: 'ingest' })
      return analyticsAnswer(await accept({ ...envelope, principal: request.principal }))
    }
    for (const [path, name, read] of CAPTURE_PATHS) {
      const summary = 'Events of PostHog’s libraries'
      const schema = { ...shared, operationId: `post${name}`, summary, response }
      app.post(path, { ...undocumentedByZod, config, schema }, async (request) =>
        answer(request, takeBody(request), read),
      )
      const inQuery = { tags, operationId: `get${name}`, summary: `${summary}, in the query`, querystring, response }
      app.get(path, { ...undocumentedByZod, config, schema: inQuery }, async (request) =>
        answer(request, Buffer.from(String(request.query.data ?? '')), read),
      )
    }
    for (const [path, operationId] of FLAG_PATHS)
      app.post(
        path,
        {
          ...undocumentedByZod,
          config,
          schema: {
            ...shared,
            operationId,
            summary: 'Feature flags for PostHog’s libraries: none',
            response: { 200: flagsSchema, ...errors(413, 415) },
          },
        },
        async (request) => {
          const inBody = readPosthogKey(takeBody(request), request.query as AnalyticsQuery)
          const key = inBody ?? keyFromHeader(request.headers.authorization)
          request.principal = await authenticateKey({ keyring, request, key, scope: 'ingest' })
          return NO_FLAGS
        },
      )
  })
