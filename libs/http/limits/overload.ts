import underPressure from '@fastify/under-pressure'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { RequestError } from '#libs/runtime/errors.ts'

declare module 'fastify' {
  interface FastifyRequest {
    reservedBytes: number
    /** Books the memory of a body of this size; throws 503 when there is no room. */
    reserveBytes: (bytes: number) => void
  }
}

export type OverloadLimits = {
  readonly maxInFlight: number
  /** Sum of the inflated bodies under way. They take about four times that memory. */
  readonly maxInFlightBytes: number
  /** Mean over `loopSampleMs`, so long that a single stall of the machine refuses nobody. */
  readonly maxEventLoopDelayMs: number
  readonly loopSampleMs: number
}

export const DEFAULT_LIMITS: OverloadLimits = {
  maxInFlight: 1_000,
  maxInFlightBytes: 8 * 1024 * 1024,
  maxEventLoopDelayMs: 1_000,
  loopSampleMs: 10_000,
}

const overloaded = (): RequestError => new RequestError(503, 'overloaded', 'Too much at once; try again later')

/** Public routes stay open: health checks must answer under load. */
const isOpen = (request: FastifyRequest): boolean => request.is404 || request.routeOptions.config.scope === 'public'

/** A chunked body is booked at the limit it may grow to, a compressed one as it is inflated. */
const declaredBytes = ({ headers, routeOptions }: FastifyRequest): number => {
  const { bodyLimit = 0 } = routeOptions
  if (headers['transfer-encoding'] !== undefined) return bodyLimit
  return Math.min(Number(headers['content-length'] ?? 0) || 0, bodyLimit)
}

/**
 * Answers 503 with `Retry-After` before a body is read, so that accepted requests can finish.
 * Bodies are booked by hand: @fastify/under-pressure 9.2 bounds only the resident memory, which
 * stays high after a flood. With `maxRssBytes` of 250 MB it refused all 30 s after Kafka was back.
 * With the booking it takes events at once, peak 245 MB (tests/e2e/overload.test.ts, 2026-11-30).
 */
export const refuseOverload = async (app: FastifyInstance, limits: OverloadLimits): Promise<void> => {
  await app.register(underPressure, {
    maxEventLoopDelay: limits.maxEventLoopDelayMs,
    sampleInterval: limits.loopSampleMs,
    // An infinite delay is a sample without a measurement.
    pressureHandler: async (request, _reply, _type, delayMs) => {
      if (Number.isFinite(delayMs) && !isOpen(request)) throw overloaded()
    },
  })
  let inFlight = 0
  let bytes = 0
  app.decorateRequest('reservedBytes', 0)
  app.decorateRequest('reserveBytes', function (this: FastifyRequest, size: number) {
    const more = size - this.reservedBytes
    if (more <= 0) return
    if (bytes + more > limits.maxInFlightBytes) throw overloaded()
    this.reservedBytes = size
    bytes += more
  })
  app.addHook('onRequest', async (request, reply) => {
    if (isOpen(request)) return
    if (inFlight >= limits.maxInFlight) throw overloaded()
    request.reserveBytes(declaredBytes(request))
    inFlight += 1
    reply.raw.once('close', () => {
      inFlight -= 1
      bytes -= request.reservedBytes
    })
  })
}
