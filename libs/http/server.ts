import helmet from '@fastify/helmet'
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import type { Registry } from 'prom-client'
import type { Keyring } from '#libs/access/keyring.ts'
import type { Checks } from '#libs/runtime/checks.ts'
import { type Clock, systemClock } from '#libs/runtime/clock.ts'
import { newId } from '#libs/runtime/ids.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { observeRequests } from './access-log.ts'
import { authenticateRoutes } from './authenticate.ts'
import { inflateBodies } from './limits/inflate.ts'
import { DEFAULT_LIMITS, type OverloadLimits, refuseOverload } from './limits/overload.ts'
import { limitRates } from './limits/rate-limit.ts'
import type { RequestCounter } from './limits/request-counter.ts'
import { describeApi } from './openapi.ts'
import { operationsRoutes } from './operations.ts'
import { answerMalformedHttp } from './problems/client-error.ts'
import { handleErrors, handleUnknownRoutes, sendProblem } from './problems/error-handler.ts'
import { describeError } from './problems/problem.ts'
import { refuseUnsafeInput } from './safe-json.ts'

/** Counted on inflated bytes. */
export const BODY_LIMIT_BYTES = 1024 * 1024
/** A request must have arrived whole by then (slow senders). */
const REQUEST_TIMEOUT_MS = 30_000
/** Requests under way this long after the close began are cut: the process must end within 25 s. */
const DRAIN_MS = 15_000

export type HttpServerOptions = {
  readonly logger: Logger
  readonly metrics: Registry
  readonly keyring: Keyring
  readonly title: string
  readonly version: string
  readonly checks: Checks
  readonly clock?: Clock
  readonly limits?: Partial<OverloadLimits>
  /** Limits how many requests a key may make. Default: no limit. */
  readonly requestCounter?: RequestCounter
}

/** The server: problems, keys, limits, health, metrics, OpenAPI. Register routes, then listen. */
export const createHttpServer = async (options: HttpServerOptions): Promise<FastifyInstance> => {
  const { logger, metrics, keyring, title, version, checks, clock = systemClock } = options
  const app = fastify({
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    genReqId: () => newId(),
    requestIdHeader: false,
    trustProxy: false,
    clientErrorHandler: answerMalformedHttp,
    frameworkErrors: (error, request, reply) =>
      sendProblem(request, reply.header('x-request-id', request.id), describeError(error)),
    routerOptions: { maxParamLength: 1_500 },
  })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  handleErrors(app)
  handleUnknownRoutes(app)
  closeConnectionsWhenDraining(app, clock)
  observeRequests(app, metrics)
  await app.register(helmet, { global: true })
  await refuseOverload(app, { ...DEFAULT_LIMITS, ...options.limits })
  inflateBodies(app)
  refuseUnsafeInput(app)
  await describeApi(app, { title, version })
  limitRates(app, options.requestCounter)
  authenticateRoutes(app, keyring)
  await app.register(operationsRoutes({ metrics, checks, clock }))
  return app as FastifyInstance
}

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
