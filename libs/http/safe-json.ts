import { isUtf8 } from 'node:buffer'
import type { FastifyInstance } from 'fastify'
import { RequestError } from '#libs/runtime/errors.ts'
import { jsonPointer } from './json-pointer.ts'
import { findJsonFault, isBadText } from './limits/json-limits.ts'
import { needsBody } from './no-body.ts'

const LIMITS = { maxDepth: 32, maxKeys: 1_000, isBad: isBadText }

/** Refuses a body that is not UTF-8: decoding would repair it silently. */
export const assertUtf8 = (body: Buffer): void => {
  if (isUtf8(body)) return
  throw new RequestError(400, 'invalid_utf8', 'The body is not valid UTF-8', [
    { pointer: '', code: 'invalid_utf8', detail: 'The whole body' },
  ])
}

const MARK = Buffer.from('\ufeff')

/** Some editors and .NET put a byte order mark before JSON, which RFC 8259 lets a reader ignore. */
export const withoutMark = (body: Buffer): Buffer =>
  body.subarray(0, MARK.length).equals(MARK) ? body.subarray(MARK.length) : body

/** Refuses bodies and parameters that could not be stored. Routes check raw bodies. */
export const refuseUnsafeInput = (app: FastifyInstance): void => {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser(['application/json', 'text/plain'])
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (body.length === 0 && !needsBody(request)) return done(null, undefined)
    assertUtf8(body)
    return parse(request, withoutMark(body).toString('utf8'), done)
  })
  app.addHook('preValidation', async (request) => {
    for (const [where, values] of [
      ['path', request.params],
      ['query', request.query],
    ] as const)
      for (const [name, value] of Object.entries(values ?? {}))
        if (isBadText(name) || (typeof value === 'string' && isBadText(value)))
          throw new RequestError(400, 'invalid_parameter', 'A parameter is not valid', [
            { pointer: jsonPointer([where, name]), code: 'invalid_text', detail: 'NUL cannot be stored' },
          ])
    if (request.body === undefined || Buffer.isBuffer(request.body)) return
    const fault = findJsonFault(request.body, LIMITS)
    if (fault)
      throw new RequestError(422, 'invalid_request', 'The request body is not valid', [
        { pointer: jsonPointer(fault.path), code: fault.code, detail: fault.detail },
      ])
  })
}
