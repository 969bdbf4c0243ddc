import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Clock, systemClock } from '#libs/runtime/clock.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { hasBody } from './reservations.ts'

const TICK_MS = 1_000
/** Bytes on the wire a second: an old mobile link brings more. */
const LEAST_RATE = 4 * 1024
/** Seconds that a body may bring nothing: at its start, and after it was faster than it must be. */
const FIRST_CREDIT_S = 3
const MOST_CREDIT_S = 10

type Arriving = { readonly reply: FastifyReply; credit: number; bytes: number }

const tooSlow = (): RequestError =>
  new RequestError(408, 'body_too_slow', `The body arrived with less than ${LEAST_RATE} bytes a second`)

/** A request is answered with 408. One that is answered already is only waited for: it is cut. */
const end = (request: FastifyRequest, reply: FastifyReply): void => {
  if (request.endBody && !reply.sent) request.endBody(tooSlow())
  else request.raw.destroy()
}

/**
 * Ends bodies that arrive with less than 4 KB a second. A second counts only while the process
 * reads: a late event loop, or a request that waits for the process, is no fault of the client.
 */
export const endSlowBodies = (app: FastifyInstance, clock: Clock = systemClock): void => {
  const arriving = new Map<FastifyRequest, Arriving>()
  let cancel: (() => void) | undefined

  const look = (request: FastifyRequest, one: Arriving): void => {
    const { raw } = request
    if (raw.complete || raw.destroyed) return void arriving.delete(request)
    const bytes = raw.socket.bytesRead
    one.credit = Math.min(MOST_CREDIT_S, one.credit + (bytes - one.bytes) / LEAST_RATE)
    one.bytes = bytes
    if (raw.readableFlowing) one.credit -= TICK_MS / 1_000
    if (one.credit > 0) return
    arriving.delete(request)
    end(request, one.reply)
  }
  const tick = (): void => {
    for (const [request, one] of arriving) look(request, one)
    cancel = arriving.size > 0 ? clock.after(TICK_MS, tick) : undefined
  }

  app.addHook('onRequest', (request, reply, done) => {
    // A request that a test injects has no socket, which counts bytes.
    const { bytesRead } = request.raw.socket as Partial<Socket>
    if (hasBody(request) && !request.raw.complete && bytesRead !== undefined) {
      arriving.set(request, { reply, credit: FIRST_CREDIT_S, bytes: bytesRead })
      cancel ??= clock.after(TICK_MS, tick)
    }
    done()
  })
  app.addHook('preValidation', (request, _reply, done) => {
    arriving.delete(request)
    done()
  })
  app.addHook('onResponse', (request, _reply, done) => {
    if (request.raw.complete) arriving.delete(request)
    done()
  })
  app.addHook('onClose', async () => cancel?.())
}
