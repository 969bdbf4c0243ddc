import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { addressOf } from './address.ts'
import { createFairShare, type FairShare } from './fair-share.ts'
import { isOpen, overloaded } from './overload.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Moves what the request has booked to its key, once known. Throws 503 without room there. */
    bookFor: (request: FastifyRequest, keyId: string) => void
  }
  interface FastifyRequest {
    booking: Booking | undefined
    /** Ends the reading of the body: the request is answered with the error. */
    endBody: ((error: Error) => void) | undefined
  }
}

export type BookingLimits = {
  /** Requests under way with a known key; one key alone may have half of them. */
  readonly maxInFlight: number
  /** Bytes of their bodies, inflated. They take about four times that memory. */
  readonly maxInFlightBytes: number
  /** The same for requests whose key comes in the body, shared by address. */
  readonly maxKeyless: number
  readonly maxKeylessBytes: number
}

/** What a chunk costs beside its bytes: a body may arrive byte by byte. */
const CHUNK_COST = 200

type Shares = { readonly requests: FairShare; readonly bytes: FairShare }
type Booking = { readonly shares: Shares; readonly holder: string; bytes: number }

const createShares = (requests: number, bytes: number): Shares => ({
  requests: createFairShare(requests),
  bytes: createFairShare(bytes),
})

const open = (shares: Shares, holder: string, bytes = 0): Booking => {
  if (!shares.requests.take(holder, 1)) throw overloaded()
  if (shares.bytes.take(holder, bytes)) return { shares, holder, bytes }
  shares.requests.giveBack(holder, 1)
  throw overloaded()
}

const close = ({ shares, holder, bytes }: Booking): void => {
  shares.requests.giveBack(holder, 1)
  shares.bytes.giveBack(holder, bytes)
}

export const hasBody = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

/** An IncomingMessage that is destroyed takes its socket along: only its reader is told. */
const fail = (request: FastifyRequest, payload: Readable, error: Error): void => {
  if (payload !== request.raw) payload.destroy(error)
  else if (payload.listenerCount('error') > 0) payload.emit('error', error)
}

/**
 * Requests under way and the bytes of their bodies, in fair shares by key: 503 with `Retry-After`
 * beyond them. Bytes are booked as they arrive: what a request only announces takes no room from
 * others, but is refused at once where it would not fit.
 * By hand: @fastify/under-pressure 9.2 bounds only the resident memory, which stays high after a
 * flood. With `maxRssBytes` of 250 MB it refused all 30 s after Kafka was back. With the booking
 * the door takes events at once, peak 245 MB (tests/e2e/overload.test.ts, 2026-11-30).
 */
export const bookRequests = (app: FastifyInstance, limits: BookingLimits): void => {
  const keyed = createShares(limits.maxInFlight, limits.maxInFlightBytes)
  const keyless = createShares(limits.maxKeyless, limits.maxKeylessBytes)

  app.decorateRequest('booking', undefined)
  app.decorateRequest('endBody', undefined)
  app.decorate('bookFor', (request: FastifyRequest, keyId: string) => {
    const { booking } = request
    if (booking?.shares !== keyless) return
    request.booking = open(keyed, keyId, booking.bytes)
    close(booking)
  })
  app.addHook('onRequest', async (request, reply) => {
    if (isOpen(request)) return
    const principal = request.principal as typeof request.principal | null
    request.booking = principal ? open(keyed, principal.keyId) : open(keyless, addressOf(request))
    reply.raw.once('close', () => {
      if (request.booking) close(request.booking)
      request.booking = undefined
    })
  })
  app.addHook('preParsing', (request, _reply, payload, done) => {
    const { booking } = request
    if (!booking || !hasBody(request)) return done(null, payload)
    const announced = Math.min(Number(request.headers['content-length'] ?? 0), request.routeOptions.bodyLimit)
    if (!booking.shares.bytes.fits(booking.holder, announced)) return done(overloaded())
    const body = payload as Readable
    const endBody = (error: Error): void => {
      body.off('data', book)
      fail(request, body, error)
    }
    const book = (chunk: Buffer): void => {
      const cost = chunk.length + CHUNK_COST
      if (!booking.shares.bytes.take(booking.holder, cost)) return endBody(overloaded())
      booking.bytes += cost
    }
    body.on('data', book)
    request.endBody = endBody
    done(null, payload)
  })
}
