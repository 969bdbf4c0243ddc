import type { FastifyRequest } from 'fastify'

const PROXY_HEADERS = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip']
const LOCAL_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i

/**
 * The peer's address. Behind a proxy on this machine no peer counts as local: a proxy shows by its
 * headers, by the name that the client asked for, or by HTTP/1.0, which nginx speaks by default.
 */
export const peerOf = ({ headers, raw }: FastifyRequest): string =>
  PROXY_HEADERS.some((name) => headers[name] !== undefined) ||
  raw.httpVersion === '1.0' ||
  !LOCAL_HOST.test(headers.host ?? '')
    ? 'forwarded'
    : (raw.socket.remoteAddress ?? 'unknown')
