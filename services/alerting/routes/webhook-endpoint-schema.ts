import { z } from 'zod'
import { toInstant } from '#libs/runtime/clock.ts'
import type { ErrorDetail } from '#libs/runtime/errors.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { hidesItsPath, shownUrl } from '../core/delivery/shown-url.ts'
import { filterSchema, readFilter } from '../endpoints/endpoint-filter.ts'
import type { Endpoint } from '../endpoints/endpoint-store.ts'
import type { UrlSeal } from '../endpoints/sealed-url.ts'
import { type UrlProblem, validateUrl, type WebhookRules } from '../endpoints/validate-url.ts'
import { WEBHOOK_TYPES } from '../notifications/notification.ts'
import { unreadable, unreadableShape } from './unreadable-document.ts'

const eventTypes = z.array(z.enum(WEBHOOK_TYPES)).max(50).describe('Empty: every type')
const url = z.string().min(1).max(2_048).describe('https, on port 443 or one the operator opened')
const description = z.string().max(500).nullable()
const maxPerSecond = z.int().min(1).max(10_000).nullable().describe('Calls a second; null: as fast as it answers')

const EXAMPLE = {
  url: 'https://hooks.example.com/pulso',
  eventTypes: ['alert.firing', 'alert.resolved'],
  filter: { severity: ['critical'], traits: { plan: 'enterprise' } },
  description: 'On-call of customer success',
}

export const newEndpointSchema = z
  .strictObject({
    url,
    eventTypes: eventTypes.default([]),
    filter: filterSchema.default({}),
    description: description.default(null),
    kind: z
      .enum(['standard', 'slack'])
      .default('standard')
      .describe('`slack`: the body of an incoming webhook of Slack, unsigned'),
    maxPerSecond: maxPerSecond.default(null),
  })
  .meta({ examples: [EXAMPLE] })

export const endpointPatchSchema = z
  .strictObject({
    url: url.optional(),
    eventTypes: eventTypes.optional(),
    filter: filterSchema.optional(),
    description: description.optional(),
    maxPerSecond: maxPerSecond.optional(),
    state: z.literal('disabled').optional().describe('Stops deliveries; `enable` starts them again'),
  })
  .meta({ examples: [{ eventTypes: ['alert.firing'] }] })

const endpointShape = {
  id: z.uuid(),
  url: z.string().describe('Scheme, host and port; of path and query, a secret, the last 3 of 12 or more characters'),
  kind: z.enum(['standard', 'slack']),
  eventTypes: z.array(z.string()),
  filter: filterSchema,
  description,
  maxPerSecond,
  state: z
    .enum(['enabled', 'disabled', 'unverified'])
    .describe('`unverified`: it gets tests only, and all that happens from then on once it has answered one with 2xx'),
  stateReason: z.string().nullable().describe('`gone` (it answered 410), `failed_for_5_days` or `by_request`'),
  stateAt: z.iso.datetime(),
  failingSince: z.iso.datetime().nullable().describe('First failure since the last success'),
  pausedUntil: z.iso.datetime().nullable().describe('The receiver asked for a pause'),
  createdAt: z.iso.datetime(),
  problem: z
    .object({ code: z.enum(['url_unreadable', 'unreadable']), detail: z.string() })
    .optional()
    .describe('What keeps the endpoint from working as it was set up; absent: nothing'),
  document: unreadableShape.document.optional().describe('The filter with a problem, as it is stored'),
}
const ENDPOINT_EXAMPLE = {
  id: '019371d5-4b1e-7cc0-8f4e-0a3f0d9c2b11',
  ...EXAMPLE,
  url: 'https://hooks.example.com/…',
  kind: 'standard' as const,
  maxPerSecond: null,
  state: 'enabled' as const,
  stateReason: null,
  stateAt: '2026-11-22T10:00:00.000Z',
  failingSince: null,
  pausedUntil: null,
  createdAt: '2026-11-22T10:00:00.000Z',
}

export const endpointSchema = z.object(endpointShape).meta({ examples: [ENDPOINT_EXAMPLE] })
export const createdEndpointSchema = z
  .object({ ...endpointShape, secret: z.string().describe('Verifies the signatures; shown this once') })
  .meta({ examples: [{ ...ENDPOINT_EXAMPLE, secret: 'whsec_...' }] })

const instantOrNull = (at: number | null): string | null => (at === null ? null : toInstant(at))

const URL_UNREADABLE = {
  code: 'url_unreadable',
  detail: 'No encryption key opens its URL, and its deliveries wait: give the URL again',
} as const

export const toEndpoint = (
  { endpointId, urlSealed, ...row }: Endpoint,
  urls: UrlSeal,
): z.infer<typeof endpointSchema> => {
  const { filter, problem } = readFilter(row.filter)
  const isOpen = urls.open({ url: row.url, urlSealed }, endpointId) !== undefined
  return {
    ...row,
    id: endpointId,
    url: shownUrl(row.url),
    eventTypes: [...row.eventTypes],
    filter,
    stateAt: toInstant(row.stateAt),
    failingSince: instantOrNull(row.failingSince),
    pausedUntil: instantOrNull(row.pausedUntil),
    createdAt: toInstant(row.createdAt),
    ...(problem === null ? {} : unreadable(problem, row.filter)),
    ...(isOpen ? {} : { problem: URL_UNREADABLE }),
  }
}

const URL_PROBLEMS: Readonly<Record<UrlProblem, string>> = {
  invalid_url: 'This is not a URL',
  scheme_not_allowed: 'Use https',
  userinfo_not_allowed: 'A URL must have no user name and no password',
  port_not_allowed: 'Use port 443, or ask the operator to open another',
  host_not_allowed: 'Use a public host, or ask the operator to open this one',
}

/** Throws a 422 that points at the URL. */
export const requireUrl = (text: string, rules: WebhookRules): void => {
  if (hidesItsPath(text)) throw invalid({ pointer: '/url', code: 'hidden_path', detail: 'Give the whole URL' })
  const verdict = validateUrl(text, rules)
  if (!verdict.allowed) throw invalid({ pointer: '/url', code: verdict.reason, detail: URL_PROBLEMS[verdict.reason] })
}

export const invalid = (...errors: readonly ErrorDetail[]): RequestError =>
  new RequestError(422, 'invalid_request', 'The request body is not valid', errors)
