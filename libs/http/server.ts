import helmet from '@fastify/helmet'
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import type { Registry } from 'prom-client'
import type { Keyring } from '#libs/access/keyring.ts'
import { type Clock, systemClock } from '#libs/runtime/clock.ts'
import { newId } from '#libs/runtime/ids.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { stuckWork } from '#libs/runtime/repeat.ts'
import type { Checks } from '#libs/runtime/service.ts'
import { observeRequests } from './access-log.ts'
import { authenticateRoutes } from './authenticate.ts'
import { DEFAULT_MAX_CONNECTIONS, limitConnections } from './limits/connections.ts'
import { limitFailedKeys } from './limits/failed-keys.ts'
import { inflateBodies } from './limits/inflate.ts'
import { type LoopLimits, refuseWhileLate } from './limits/overload.ts'
import { limitRates } from './limits/rate-limit.ts'
import type { RequestCounter } from './limits/request-counter.ts'
import { type ReservationLimits, reserveRequests } from './limits/reservations.ts'
import { endSlowBodies } from './limits/slow-bodies.ts'
import { ignoreTypeOfNoBody } from './no-body.ts'
import { describeApi } from './openapi.ts'
import { operationsRoutes } from './operations.ts'
import { answerMalformedHttp } from './problems/client-error.ts'
import { handleErrors, sendProblem } from './problems/error-handler.ts'
import { describeError } from './problems/problem.ts'
import { handleUnknownRoutes } from './problems/unknown-routes.ts'
import { refuseUnsafeInput } from './safe-json.ts'

/** Counted on inflated bytes. */
export const BODY_LIMIT_BYTES = 1024 * 1024
const HEADERS_TIMEOUT_MS = 15_000
/** A request must have arrived whole by then: a body of 1 MB at the least rate takes 256 s. */
const REQUEST_TIMEOUT_MS = 300_000
/** How often Node looks for requests that took too long. */
const TIMEOUT_CHECK_MS = 1_000
/** Requests under way this long after the close began are cut: the process must end within 25 s. */
const DRAIN_MS = 15_000

export type HttpLimits = ReservationLimits & LoopLimits

export const DEFAULT_LIMITS: HttpLimits = {
  maxInFlight: 2_000,
  maxInFlightBytes: 12 * 1024 * 1024,
  maxKeyless: 400,
  maxKeylessBytes: 3 * 1024 * 1024,
  maxEventLoopDelayMs: 1_000,
  loopSampleMs: 10_000,
}

export type HttpServerOptions = {
  readonly logger: Logger
  readonly metrics: Registry
  readonly keyring: Keyring
  readonly title: string
  readonly version: string
  readonly checks: Checks
  /** For `/livez`; default: the work of this process that hangs. */
  readonly stuck?: () => readonly string[]
  readonly clock?: Clock
  readonly limits?: Partial<HttpLimits>
  readonly maxConnections?: number
  /** CIDRs of the proxies whose `X-Forwarded-For` is believed. Default: none. */
  readonly trustedProxies?: readonly string[]
  /** Limits how many requests a key may make. Default: no limit. */
  readonly requestCounter?: RequestCounter
}

/** The server: problems, keys, limits, health, metrics, OpenAPI. Register routes, then listen. */
export const createHttpServer = async (options: HttpServerOptions): Promise<FastifyInstance> => {
  const { logger, metrics, keyring, title, version, checks, clock = systemClock } = options
  const { stuck = stuckWork, trustedProxies = [], maxConnections = DEFAULT_MAX_CONNECTIONS } = options
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const app = fastify({
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: TIMEOUT_CHECK_MS },
    genReqId: () => newId(),
    requestIdHeader: false,
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    clientErrorHandler: answerMalformedHttp,
    frameworkErrors: (error, request, reply) =>
      sendProblem(request, reply.header('x-request-id', request.id), describeError(error)),
    routerOptions: { maxParamLength: 1_500, ignoreTrailingSlash: true },
  })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  handleErrors(app)
  limitConnections(app, { maxConnections, trustedProxies })
  closeConnectionsWhenDraining(app, clock)
  observeRequests(app, metrics)
  await app.register(helmet, PLAIN_HTTP_HEADERS)
  endSlowBodies(app)
  handleUnknownRoutes(app, clock)
  ignoreTypeOfNoBody(app)
  await refuseWhileLate(app, limits)
  inflateBodies(app)
  refuseUnsafeInput(app)
  await describeApi(app, { title, version })
  limitRates(app, options.requestCounter)
  limitFailedKeys(app)
  authenticateRoutes(app, keyring)
  reserveRequests(app, limits)
  await app.register(operationsRoutes({ metrics, checks, clock, stuck }))
  return app as FastifyInstance
}

/**
 * The server speaks plain HTTP: a browser must not be sent to https, where nobody may answer. A
 * proxy that ends TLS adds its own Strict-Transport-Security.
 */
const PLAIN_HTTP_HEADERS = {
  global: true,
  strictTransportSecurity: false,
  contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
} as const

/** While closing, each answer ends its connection, so that no keep-alive peer delays the drain. */
const closeConnectionsWhenDraining = (app: FastifyInstance, clock: Clock): void => {
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
    clock.after(DRAIN_MS, () => app.server.closeAllConnections())
  })
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (closing) reply.header('connection', 'close')
    done()
  })
}
