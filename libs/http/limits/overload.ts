import underPressure from '@fastify/under-pressure'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { RequestError } from '#libs/runtime/errors.ts'

export type LoopLimits = {
  /** Mean over `loopSampleMs`, so long that a single stall of the machine refuses nobody. */
  readonly maxEventLoopDelayMs: number
  readonly loopSampleMs: number
}

export const overloaded = (): RequestError => new RequestError(503, 'overloaded', 'Too much at once; try again later')

/** Public routes stay open: health checks must answer under load. */
export const isOpen = (request: FastifyRequest): boolean =>
  request.is404 || request.routeOptions.config.scope === 'public'

/** Answers 503 with `Retry-After` while the event loop is late. */
export const refuseWhileLate = async (app: FastifyInstance, limits: LoopLimits): Promise<void> => {
  await app.register(underPressure, {
    maxEventLoopDelay: limits.maxEventLoopDelayMs,
    sampleInterval: limits.loopSampleMs,
    // An infinite delay is a sample without a measurement.
    pressureHandler: async (request, _reply, _type, delayMs) => {
      if (Number.isFinite(delayMs) && !isOpen(request)) throw overloaded()
    },
  })
}
