import { z } from 'zod'
import { RequestError } from '#libs/runtime/errors.ts'
import { parseInstant } from '#libs/time/instant.ts'

export const instantParameter = z.string().min(1).max(40).optional().describe('RFC 3339')

/** Epoch milliseconds of the parameter `name`. Throws 422 unless it is an RFC 3339 instant. */
export const readInstant = (name: string, text: string): number => {
  const at = parseInstant(text)
  if (Number.isNaN(at)) {
    throw new RequestError(422, 'invalid_parameter', 'The instant is not valid', [
      { pointer: `/query/${name}`, code: 'invalid_instant', detail: 'must be an RFC 3339 instant' },
    ])
  }
  return at
}
