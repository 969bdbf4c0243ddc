import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { RequestError } from '#libs/runtime/errors.ts'
import { sendProblem } from '../problems/error-handler.ts'

declare module 'fastify' {
  interface FastifyRequest {
    bookedBytes: number
    /** Books the memory of a body that turns out to have this many bytes; throws 503 when there is no room. */
    bookBytes: (bytes: number) => void
  }
}

export type OverloadLimits = {
  readonly maxInFlight: number
  /** Sum of the inflated bodies of the requests under way: what bounds memory, which takes about four times as much. */
  readonly maxInFlightBytes: number
  readonly maxEventLoopDelayMs: number
}

export const DEFAULT_LIMITS: OverloadLimits = {
  maxInFlight: 1_000,
  maxInFlightBytes: 8 * 1024 * 1024,
  maxEventLoopDelayMs: 1_000,
}

const SAMPLE_MS = 20
const WINDOW_REQUESTS = 100
const OVERLOADED = { status: 503, code: 'overloaded', detail: 'Too much at once; try again later' } as const

/**
 * Turns requests away with 503 and `Retry-After` before their body is read, so that those already accepted can finish.
 * Public routes stay open: health checks must answer under load.
 */
export const refuseOverload = (app: FastifyInstance, limits: OverloadLimits): void => {
  const delay = monitorEventLoopDelay({ resolution: SAMPLE_MS })
  let inFlight = 0
  let bytes = 0
  let sinceReset = 0
  delay.enable()
  app.addHook('onClose', async () => void delay.disable())

  const loopIsLate = (): boolean => {
    const late = delay.count > 0 && delay.mean / 1e6 - SAMPLE_MS > limits.maxEventLoopDelayMs
    if (++sinceReset >= WINDOW_REQUESTS || late) {
      sinceReset = 0
      delay.reset()
    }
    return late
  }
  /** A chunked body may grow up to the limit: it is counted as that large. A compressed one is counted as it is inflated. */
  const sizeOf = (headers: Record<string, unknown>, bodyLimit: number): number => {
    const declared = Number(headers['content-length'] ?? Number.NaN)
    if (headers['transfer-encoding'] !== undefined) return bodyLimit
    return Number.isFinite(declared) ? Math.min(declared, bodyLimit) : 0
  }
  app.decorateRequest('bookedBytes', 0)
  app.decorateRequest('bookBytes', function (this: FastifyRequest, size: number) {
    const more = size - this.bookedBytes
    if (more <= 0) return
    if (bytes + more > limits.maxInFlightBytes)
      throw new RequestError(OVERLOADED.status, OVERLOADED.code, OVERLOADED.detail)
    this.bookedBytes = size
    bytes += more
  })

  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404 || request.routeOptions.config.scope === 'public') return done()
    const size = sizeOf(request.headers, request.routeOptions.bodyLimit ?? 0)
    if (inFlight >= limits.maxInFlight || bytes + size > limits.maxInFlightBytes || loopIsLate()) {
      sendProblem(request, reply, OVERLOADED)
      return
    }
    inFlight += 1
    request.bookBytes(size)
    reply.raw.once('close', () => {
      inFlight -= 1
      bytes -= request.bookedBytes
    })
    done()
  })
}
