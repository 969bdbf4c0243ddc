import type { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { RequestError } from '#libs/runtime/errors.ts'

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}

const DETAIL = 'Content-Encoding may be gzip, deflate, br or identity'

/**
 * Takes compressed bodies on every route. The body limit counts inflated bytes: the body parser counts what comes out of here and
 * hangs up at the limit, so a bomb costs no more memory than an honest body.
 */
export const inflateBodies = (app: FastifyInstance): void => {
  app.addHook('preParsing', (request, reply, payload, done) => {
    const encoding = request.headers['content-encoding']?.trim().toLowerCase()
    if (!encoding || encoding === 'identity') return done(null, payload)
    const create = DECODERS[encoding]
    if (!create)
      return done(
        new RequestError(415, 'unsupported_encoding', DETAIL, [
          { pointer: '', code: 'unsupported_encoding', detail: DETAIL },
        ]),
      )
    const inflated = create() as Transform & { receivedEncodedLength: number }
    inflated.receivedEncodedLength = 0
    payload.on('data', (chunk: Buffer) => {
      inflated.receivedEncodedLength += chunk.length
    })
    // Once answered (the limit was passed, or the bytes are no gzip) nobody reads on: stop inflating, swallow the rest of the upload.
    const letGo = () => {
      payload.unpipe(inflated)
      payload.resume()
      inflated.destroy()
    }
    let size = 0
    inflated.on('data', (chunk: Buffer) => {
      size += chunk.length
      try {
        request.bookBytes(size)
      } catch (error) {
        inflated.destroy(error as Error)
      }
    })
    inflated.on('error', letGo)
    reply.raw.once('finish', letGo).once('close', letGo)
    done(null, payload.pipe(inflated))
  })
}
