import type { FastifyRequest } from 'fastify'
import ipaddr from 'ipaddr.js'

/** Whom an address belongs to: one IPv4 address, or the /64 that a host of IPv6 is given. */
export const holderOf = (address: string | undefined): string => {
  if (address === undefined || !ipaddr.isValid(address)) return 'unknown'
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  return (parsed as ipaddr.IPv6).parts.slice(0, 4).join(':')
}

/** The client, as the trusted proxies name it; else the peer. */
export const addressOf = (request: FastifyRequest): string => holderOf(request.ip)
