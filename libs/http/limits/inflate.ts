import type { Transform } from 'node:stream'
import { constants, createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { RequestError } from '#libs/runtime/errors.ts'

/** 8 MB, the window that RFC 9659 lets a sender use. Without it a frame could ask for 128 MB. */
const ZSTD = { params: { [constants.ZSTD_d_windowLogMax]: 23 } }

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: () => createZstdDecompress(ZSTD),
}

const DETAIL = 'Content-Encoding may be gzip, deflate, br, zstd or identity'

/**
 * The body limit counts inflated bytes: a bomb takes no more memory than an honest body.
 * By hand: @fastify/compress 9.2 has no hook where inflated bytes could be reserved, so that 1,000
 * bodies of 1 KB under way could inflate to 1 GB (from its source, 2026-11-30).
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
    // After an early answer (too large, not gzip) nothing reads on: drop the rest of the upload.
    const letGo = () => {
      payload.unpipe(inflated)
      payload.resume()
      inflated.destroy()
    }
    inflated.on('error', letGo)
    reply.raw.once('finish', letGo).once('close', letGo)
    done(null, payload.pipe(inflated))
  })
}
