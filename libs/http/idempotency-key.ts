import type { FastifyRequest, RouteOptions } from 'fastify'
import { z } from 'zod'
import { errors } from './problems/problem.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route takes an `Idempotency-Key`. Its handler answers by `idempotentReply`. */
    idempotent?: boolean
  }
}

const NAME = 'idempotency-key'

const headers = z.looseObject({
  [NAME]: z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, { message: '1 to 255 visible ASCII characters' })
    .optional()
    .describe('For 24 hours the same request with the same key gets the same answer and changes nothing again')
    .meta({ examples: ['019371d5-4b1e-7cc0-8f4e-0a3f0d9c2b11'] }),
})

export const describeIdempotency = ({ config, schema }: RouteOptions): void => {
  if (!config?.idempotent || !schema) return
  schema.headers = headers
  schema.response = { ...errors(409, 422), ...(schema.response as object | undefined) }
}

export const idempotencyKeyOf = (request: FastifyRequest): string | undefined =>
  request.headers[NAME] as string | undefined
