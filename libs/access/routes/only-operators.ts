import type { FastifyRequest } from 'fastify'
import { RequestError } from '#libs/runtime/errors.ts'

/** A `preHandler` of routes about the whole installation: 403 for every key but an operator's. */
export const onlyOperators = async (request: FastifyRequest): Promise<void> => {
  if (!request.principal.operator) throw new RequestError(403, 'forbidden', 'Only an operator key may do this')
}
