import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { FastifyInstance } from 'fastify'
import { sendProblem } from './error-handler.ts'

export type OverloadLimits = {
  readonly maxInFlight: number
  /** Sum of the bodies of the requests under way: what bounds memory. */
  readonly maxInFlightBytes: number
  readonly maxEventLoopDelayMs: number
}

export const DEFAULT_LIMITS: OverloadLimits = {
  maxInFlight: 1_000,
  maxInFlightBytes: 48 * 1024 * 1024,
  maxEventLoopDelayMs: 1_000,
}

const SAMPLE_MS = 20
const WINDOW_REQUESTS = 100

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
  /** A chunked or compressed body may grow up to the limit: it is counted as that large. */
  const sizeOf = (headers: Record<string, unknown>, bodyLimit: number): number => {
    const declared = Number(headers['content-length'] ?? Number.NaN)
    const unknown = headers['transfer-encoding'] !== undefined || headers['content-encoding'] !== undefined
    return unknown ? bodyLimit : Number.isFinite(declared) ? Math.min(declared, bodyLimit) : 0
  }

  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404 || request.routeOptions.config.scope === 'public') return done()
    const size = sizeOf(request.headers, request.routeOptions.bodyLimit ?? 0)
    if (inFlight >= limits.maxInFlight || bytes + size > limits.maxInFlightBytes || loopIsLate()) {
      sendProblem(request, reply, { status: 503, code: 'overloaded', detail: 'Too much at once; try again later' })
      return
    }
    inFlight += 1
    bytes += size
    reply.raw.once('close', () => {
      inFlight -= 1
      bytes -= size
    })
    done()
  })
}
