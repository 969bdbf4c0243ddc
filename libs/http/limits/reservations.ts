import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { addressOf } from './address.ts'
import { createFairShare, type FairShare } from './fair-share.ts'
import { isOpen, overloaded } from './overload.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Moves what a request has reserved to its key, once known. Throws 503 without room there. */
    reserveFor: (request: FastifyRequest, keyId: string) => void
  }
  interface FastifyRequest {
    reservation: Reservation | undefined
    /** Ends the reading of the body: the request is answered with the error. */
    endBody: ((error: Error) => void) | undefined
  }
}

export type ReservationLimits = {
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
type Reservation = { readonly shares: Shares; readonly holder: string; bytes: number }

const createShares = (requests: number, bytes: number): Shares => ({
  requests: createFairShare(requests),
  bytes: createFairShare(bytes),
})

const open = (shares: Shares, holder: string, bytes = 0): Reservation => {
  if (!shares.requests.take(holder, 1)) throw overloaded()
  if (shares.bytes.take(holder, bytes)) return { shares, holder, bytes }
  shares.requests.giveBack(holder, 1)
  throw overloaded()
}

const close = ({ shares, holder, bytes }: Reservation): void => {
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
 * beyond them. Bytes are reserved as they arrive: what a request only announces takes no room from
 * others, but is refused at once where it would not fit.
 * By hand: @fastify/under-pressure 9.2 bounds only the resident memory, which stays high after a
 * flood. With `maxRssBytes` of 250 MB it refused all 30 s after Kafka was back. With this
 * the door takes events at once, peak 245 MB (tests/e2e/overload.test.ts, 2026-11-30).
 */
export const reserveRequests = (app: FastifyInstance, limits: ReservationLimits): void => {
  const keyed = createShares(limits.maxInFlight, limits.maxInFlightBytes)
  const keyless = createShares(limits.maxKeyless, limits.maxKeylessBytes)

  app.decorateRequest('reservation', undefined)
  app.decorateRequest('endBody', undefined)
  app.decorate('reserveFor', (request: FastifyRequest, keyId: string) => {
    const { reservation } = request
    if (reservation?.shares !== keyless) return
    request.reservation = open(keyed, keyId, reservation.bytes)
    close(reservation)
  })
  app.addHook('onRequest', async (request, reply) => {
    if (isOpen(request)) return
    const principal = request.principal as typeof request.principal | null
    request.reservation = principal ? open(keyed, principal.keyId) : open(keyless, addressOf(request))
    reply.raw.once('close', () => {
      if (request.reservation) close(request.reservation)
      request.reservation = undefined
    })
  })
  app.addHook('preParsing', (request, _reply, payload, done) => {
    const { reservation } = request
    if (!reservation || !hasBody(request)) return done(null, payload)
    const announced = Math.min(Number(request.headers['content-length'] ?? 0), request.routeOptions.bodyLimit)
    if (!reservation.shares.bytes.fits(reservation.holder, announced)) return done(overloaded())
    const body = payload as Readable
    const endBody = (error: Error): void => {
      body.off('data', reserve)
      fail(request, body, error)
    }
    const reserve = (chunk: Buffer): void => {
      // Answered: what comes now is dropped.
      if (request.reservation !== reservation) return void body.off('data', reserve)
      const cost = chunk.length + CHUNK_COST
      if (!reservation.shares.bytes.take(reservation.holder, cost)) return endBody(overloaded())
      reservation.bytes += cost
    }
    body.on('data', reserve)
    request.endBody = endBody
    done(null, payload)
  })
}
