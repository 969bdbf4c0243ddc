import { z } from 'zod'
import type { Keyring } from '#libs/access/keyring.ts'
import { authenticateKey, keyFromHeader } from '#libs/http/authenticate.ts'
import { errors } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { AcceptEvents } from '../acceptance/accept-events.ts'
import { readPosthog, readPosthogKey } from '../reading/read-analytics.ts'
import { ANALYTICS_TYPES, analyticsAnswer, analyticsAnswerSchema, undocumentedByZod } from './analytics-answer.ts'
import { takeBody, takeRawBodies } from './raw-bodies.ts'

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

const NO_FLAGS = { flags: {}, featureFlags: {}, featureFlagPayloads: {}, errorsWhileComputingFlags: false }
const flagsSchema = z.looseObject({ errorsWhileComputingFlags: z.boolean() }).meta({ examples: [NO_FLAGS] })

const CAPTURE_PATHS = [
  ['/batch/', 'postPosthogBatch'],
  ['/capture/', 'postPosthogCapture'],
  ['/e/', 'postPosthogEvents'],
] as const

/** PostHog’s capture API for its libraries; a Pulso key is the project key. No feature flags. */
export const posthogRoutes = ({ accept, keyring }: { readonly accept: AcceptEvents; readonly keyring: Keyring }) =>
  routes((app) => {
    takeRawBodies(app, ANALYTICS_TYPES)
    const shared = { tags: ['analytics clients'], consumes: ANALYTICS_TYPES, body: captureSchema }
    for (const [path, operationId] of CAPTURE_PATHS)
      app.post(
        path,
        {
          ...undocumentedByZod,
          config: { scope: 'ingest', keyInBody: true },
          schema: {
            ...shared,
            operationId,
            summary: 'Events of PostHog’s libraries',
            response: { 200: analyticsAnswerSchema, ...errors(413, 415) },
          },
        },
        async (request) => {
          const { key: keyInBody, ...envelope } = readPosthog(takeBody(request))
          const key = keyInBody ?? keyFromHeader(request.headers.authorization)
          request.principal = await authenticateKey({ keyring, request, key, scope: 'ingest' })
          return analyticsAnswer(await accept({ ...envelope, principal: request.principal }))
        },
      )
    app.post(
      '/flags/',
      {
        ...undocumentedByZod,
        config: { scope: 'ingest', keyInBody: true },
        schema: {
          ...shared,
          operationId: 'postPosthogFlags',
          summary: 'Feature flags for PostHog’s libraries: none',
          response: { 200: flagsSchema, ...errors(413, 415) },
        },
      },
      async (request) => {
        const key = readPosthogKey(takeBody(request)) ?? keyFromHeader(request.headers.authorization)
        request.principal = await authenticateKey({ keyring, request, key, scope: 'ingest' })
        return NO_FLAGS
      },
    )
  })
