import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { holderOf } from './address.ts'
import { createFairShare } from './fair-share.ts'
import { isTrusted } from './trusted-proxies.ts'

export const DEFAULT_MAX_CONNECTIONS = 6_000

export type ConnectionLimits = {
  /** Open connections; one address alone may have half of them. */
  readonly maxConnections: number
  /** CIDRs of proxies: their connections bear everybody's requests. */
  readonly trustedProxies: readonly string[]
}

/** Closes connections beyond the bound, and those of an address that has its share. */
export const limitConnections = (app: FastifyInstance, { maxConnections, trustedProxies }: ConnectionLimits): void => {
  const share = createFairShare(maxConnections)
  const isProxy = isTrusted(trustedProxies)
  app.server.maxConnections = maxConnections
  app.server.on('connection', (socket: Socket) => {
    const { remoteAddress } = socket
    if (isProxy(remoteAddress)) return
    const address = holderOf(remoteAddress)
    if (!share.take(address, 1)) return void socket.destroy()
    socket.once('close', () => share.giveBack(address, 1))
  })
}
